/*
 * The callers of the transaction in mm/mprotect.c, from change_present_ptes() down: their text is that of a kernel tree
 * (CALLERS). Mappings, pages and flags are any.
 */
#include "world.h"

#define WARN_ON_ONCE(x)		(x)
#define VM_WARN_ON_ONCE(x)	((void)0)
#define VMA_WRITE_BIT		1
#define VMA_SHARED_BIT		3
#define OF_SOFT_DIRTY		0x08000000UL
#define OF_UFFD_WP		0x1000UL
#define OF_UFFD_RWP		0x2000UL
#define vma_test(vma, bit)	(!!((vma)->vm_flags & (1UL << (bit))))
#define pte_needs_soft_dirty_wp(vma, pte)	(!((vma)->vm_flags & OF_SOFT_DIRTY) && !pte_soft_dirty(pte))
#define userfaultfd_pte_wp(vma, pte)	(((vma)->vm_flags & OF_UFFD_WP) && pte_uffd(pte))
#define userfaultfd_rwp(vma)	(!!((vma)->vm_flags & OF_UFFD_RWP))
#define is_zero_pfn(pfn)	0
#define MM_CP_TRY_CHANGE_WRITABLE	1
#define MM_CP_UFFD_WP		4
#define MM_CP_UFFD_WP_RESOLVE	8
#define MM_CP_UFFD_RWP		16
#define MM_CP_UFFD_RWP_RESOLVE	32
#define ADDR	0x7f0000013000UL

static _Bool is_anon, is_exclusive[MOST], is_flushed[MOST];
static struct page pages[MOST];

#define folio_test_anon(folio)	is_anon

int PageAnonExclusive(const struct page *page)
{
	return is_exclusive[page - pages];
}

void tlb_flush_pte_range(struct mmu_gather *tlb, unsigned long address, unsigned long size)
{
	for (unsigned int i = 0; i < MOST; i++)
		if (ADDR + i * PAGE_SIZE >= address && ADDR + i * PAGE_SIZE < address + size)
			is_flushed[i] = 1;
}

#include CALLERS

int main(void)
{
	struct mm_struct mm;
	struct mmu_gather tlb;
	struct folio folio;
	struct vm_area_struct vma = { .vm_mm = &mm, .vm_flags = nondet_ulong() | VM_WRITE };
	unsigned long cp_flags = nondet_ulong() & 63;
	_Bool is_asked = nondet_uint() & 1, is_shared = !!(vma.vm_flags & VM_SHARED);
	pgprot_t prot = PAGE_READONLY;

	if (is_asked)
		prot = PAGE_SHARED;
	is_anon = nondet_uint() & 1;
	for (unsigned int i = 0; i < MOST; i++)
		is_exclusive[i] = nondet_uint() & 1;
	set_up();
	change_present_ptes(&tlb, &vma, ADDR, table + 1, nr, ADDR + nr * PAGE_SIZE, prot, &folio, pages, cp_flags);
	for (unsigned int i = 0; i < nr; i++) {
		pte_t was = __pte(before[i]), pte = table[1 + i];
		_Bool is_own = is_shared ? pte_dirty(pte) : is_exclusive[i];
		_Bool resolves = !!(cp_flags & (MM_CP_UFFD_WP_RESOLVE | MM_CP_UFFD_RWP_RESOLVE));

		check_kept(i);
		__CPROVER_assert(pte_uffd(pte) || !pte_uffd(was) || resolves, "userfaultfd");
		__CPROVER_assert(!pte_write(pte) || is_asked || is_own, "permission");
		__CPROVER_assert(pte_write(pte) || !pte_write(was) || is_flushed[i], "flushed");
	}
	check_outside();
	return 0;
}
