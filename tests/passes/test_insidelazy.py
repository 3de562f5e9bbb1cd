"""Functions that are handed over and called inside lazy MMU mode."""

from ptlint.passes.insidelazy import called_back
from tests.passes.code import views

WALK = """
static int each(pte_t *ptep, unsigned long addr, unsigned long end, int (*fn)(pte_t *, unsigned long))
{
	int err = 0;

	%s
	do {
		err = fn(ptep++, addr);
	} while (addr += PAGE_SIZE, !err && addr != end);
	lazy_mmu_mode_disable();
	return err;
}

static int all(pte_t *ptep, unsigned long addr, unsigned long end, int (*fn)(pte_t *, unsigned long))
{
	return each(ptep, addr, end, fn);
}

static int one(pte_t *ptep, unsigned long addr)
{
	return 0;
}

static int use(pte_t *ptep, unsigned long addr, unsigned long end)
{
	return all(ptep, addr, end, one);
}
"""


def test_a_callback_is_followed_through_those_that_hand_it_on() -> None:
    found = views(WALK % "lazy_mmu_mode_enable();")
    called = called_back(found["one"])
    assert called is not None
    assert called[0] == "each"
    assert called_back(found["use"]) is None


def test_a_callback_outside_of_the_mode_is_not_in_it() -> None:
    assert called_back(views(WALK % "")["one"]) is None
