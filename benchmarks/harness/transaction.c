/* A start and a commit over a batch, as mprotect() uses them. */
#include "world.h"

int main(void)
{
	struct mm_struct mm;
	struct vm_area_struct vma = { .vm_mm = &mm };
	unsigned long any = 0;
	pte_t old, new;

	set_up();
	for (unsigned int i = 0; i < nr; i++)
		any |= before[i] & (REF_YOUNG | REF_DIRTY);
	old = modify_prot_start_ptes(&vma, 0x7f0000013000UL, table + 1, nr);
	__CPROVER_assert(!(any & ~pte_val(old)), "start collects accessed and dirty");
	__CPROVER_assert(pte_pfn(old) == first_pfn, "start returns the first page frame");
	new = pte_modify(old, PAGE_READONLY);
	if (nondet_uint() & 1)
		new = pte_modify(old, PAGE_SHARED);
	modify_prot_commit_ptes(&vma, 0x7f0000013000UL, table + 1, old, new, nr);
	for (unsigned int i = 0; i < nr; i++) {
		check_kept(i);
		__CPROVER_assert(pte_write(table[1 + i]) == pte_write(new), "permission");
	}
	check_outside();
	return 0;
}
