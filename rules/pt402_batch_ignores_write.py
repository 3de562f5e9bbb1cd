"""PT402: entries with different write bits are one batch, and the first one is written back over all of them."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Batch,
    Context,
    Evidence,
    Fault,
    Finding,
    Merge,
    RuleInfo,
    Severity,
    View,
    batches_behind,
    called,
    calls_in,
    flag_bits,
    introduced,
    invalid,
    is_null,
    leaves,
    valid,
)

EXPLANATION = """
What it reports
A batch was formed without FPB_RESPECT_WRITE (and without merging the write bits), and the value that taking all of
its entries returned, which is that of the first one, is put back over all of them.

Why it matters
Read-only entries become writable when the first one was: a process writes to a page that it shares, or that somebody
relies on. The other way round, pages fault for nothing.

What to do
Form the batch with FPB_RESPECT_WRITE (and FPB_RESPECT_SOFT_DIRTY where entries are kept), also where it is only put
back on a path of errors.

When it is wrong
Where the entries are dropped (zap, reclaim) their write bits do not matter, and nothing is reported. Flags that are
not constant in the function are trusted.
"""

VALID = """\
static void move_batch(struct folio *folio, struct mm_struct *mm, unsigned long addr, pte_t *from, pte_t *to, int max)
{
	pte_t pte = ptep_get(from);
	int nr = folio_pte_batch_flags(folio, NULL, from, &pte, max, FPB_RESPECT_WRITE);

	pte = get_and_clear_ptes(mm, addr, from, nr);
	set_ptes(mm, addr, to, pte, nr);
}
"""

INVALID = """\
static void move_batch(struct folio *folio, struct mm_struct *mm, unsigned long addr, pte_t *from, pte_t *to, int max)
{
	pte_t pte = ptep_get(from);
	int nr = folio_pte_batch(folio, from, pte, max);

	pte = get_and_clear_ptes(mm, addr, from, nr);
	set_ptes(mm, addr, to, pte, nr); // want "write bit"
}
"""

DROPPED = """\
static void drop_batch(struct folio *folio, struct mm_struct *mm, unsigned long addr, pte_t *ptep, int max_nr)
{
	pte_t pte = ptep_get(ptep);
	int nr = folio_pte_batch(folio, ptep, pte, max_nr);

	pte = get_and_clear_ptes(mm, addr, ptep, nr);
	if (pte_dirty(pte))
		folio_mark_dirty(folio);
}
"""

RULE = RuleInfo(
    code="PT402",
    name="batch-ignores-write",
    summary="a batch that is written back as one was formed with regard to the write bit",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "04d1c9d60c6e", "mm/mremap: honour writable bit in mremap pte batching"),
        Evidence("lore", "8220a6a2-913a-42d8-9897-7306a624d89b@arm.com", "review of the batching of mprotect()"),
    ),
    examples=(
        invalid(INVALID, why="all entries become as writable as the first one", path="mm/move.c"),
        valid(VALID, why="a batch holds entries of one write bit", path="mm/move.c"),
        valid(DROPPED, why="nothing of the entries is put back", path="mm/drop.c"),
    ),
)

ANY_WRITABLE = 6
TAKEN = re.compile("get_and_clear_(full_)?ptes|modify_prot_start_ptes")


def check(ctx: Context) -> Iterator[Finding]:
    """Report the batches that a patch writes back without regard to the write bit."""
    yield from introduced(ctx, RULE, _ignoring, callers=True, fragments=True)


def _ignoring(view: View) -> Iterator[Fault]:
    for call in calls_in(view.definition.body):
        name, args = called(call), call.args
        if name == "set_ptes" and len(args) > 4:
            values, count = [args[3]], args[4]
        elif name == "modify_prot_commit_ptes" and len(args) > 5:
            values, count = [args[3], args[4]], args[5]
        else:
            continue
        if not any(TAKEN.fullmatch(called(leaf.expr)) for value in values for leaf in leaves(view, value)):
            continue
        for batch in batches_behind(view, count):
            if _ignores(batch):
                formed = (batch.pos, "the batch is formed here, whatever its write bits are", batch.view.name)
                text = "a batch of entries with different write bits gets the write bit of the first one"
                yield Fault("ignores-write", call.pos, text, (formed,))


def _ignores(batch: Batch) -> bool:
    if len(batch.call.args) > ANY_WRITABLE:  # as it was until Linux 6.16: the write bit is merged there, or ignored
        merged = batch.call.args[ANY_WRITABLE]
        return is_null(merged)
    regard = flag_bits(batch.view, "FPB_RESPECT_WRITE") | flag_bits(batch.view, "FPB_MERGE_WRITE")
    return batch.flags is not None and (batch.flags == 0 or (regard != 0 and not batch.flags & regard))
