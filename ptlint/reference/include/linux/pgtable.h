/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _REFERENCE_PGTABLE_H
#define _REFERENCE_PGTABLE_H

/*
 * The page table that ptlint runs code on when it is given no kernel tree: 64-bit entries of 4 KiB pages, updated by
 * hardware, with every software bit that generic code asks about. It stands for no architecture in particular.
 */

typedef _Bool bool;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef unsigned long size_t;
typedef unsigned long phys_addr_t;
typedef unsigned long vm_flags_t;
#define true 1
#define false 0
#define NULL ((void *)0)
#define inline __inline__
#define __always_inline inline
#define noinline

typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef unsigned int cydp_t;
typedef unsigned int fpb_t;

#define pte_val(x)	((x).pte)
#define __pte(x)	((pte_t) { (x) })
#define pgprot_val(x)	((x).pgprot)
#define __pgprot(x)	((pgprot_t) { (x) })

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PTRS_PER_PTE	512
#define MAX_PHYSMEM_BITS	52
#define PMD_SHIFT	21
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define PMD_MASK	(~(PMD_SIZE - 1))
#define PFN_PTE_SHIFT	PAGE_SHIFT

#define REF_PRESENT	(1UL << 0)
#define REF_WRITE	(1UL << 1)
#define REF_USER	(1UL << 2)
#define REF_YOUNG	(1UL << 5)
#define REF_DIRTY	(1UL << 6)
#define REF_SPECIAL	(1UL << 8)
#define REF_SOFT_DIRTY	(1UL << 9)
#define REF_UFFD	(1UL << 10)
#define REF_PROTNONE	(1UL << 11)
#define REF_NX		(1UL << 63)
#define REF_PFN		(((1UL << 40) - 1) << PAGE_SHIFT)
#define REF_KEPT	(REF_PFN | REF_YOUNG | REF_DIRTY | REF_SPECIAL | REF_SOFT_DIRTY | REF_UFFD)

#define PAGE_NONE	__pgprot(REF_PROTNONE | REF_YOUNG)
#define PAGE_READONLY	__pgprot(REF_PRESENT | REF_USER | REF_YOUNG | REF_NX)
#define PAGE_SHARED	__pgprot(REF_PRESENT | REF_USER | REF_YOUNG | REF_NX | REF_WRITE)

struct mm_struct { unsigned long flags; };
struct page { unsigned long flags; unsigned long private; };
struct folio { struct page page; };
struct mmu_gather { struct mm_struct *mm; };
struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	pgprot_t vm_page_prot;
	vm_flags_t vm_flags;
};

#define VM_READ		0x1UL
#define VM_WRITE	0x2UL
#define VM_SHARED	0x8UL

static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return __pte((pfn << PFN_PTE_SHIFT) | pgprot_val(prot));
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return (pte_val(pte) & REF_PFN) >> PFN_PTE_SHIFT;
}

#define pte_page(pte)		pfn_to_page(pte_pfn(pte))
#define mk_pte(page, prot)	pfn_pte(page_to_pfn(page), prot)

static inline int pte_none(pte_t pte) { return !pte_val(pte); }
static inline int pte_present(pte_t pte) { return !!(pte_val(pte) & (REF_PRESENT | REF_PROTNONE)); }
/* Whether the hardware may have the entry in a TLB. */
static inline bool pte_accessible(struct mm_struct *mm, pte_t pte) { return pte_present(pte); }
static inline int pte_write(pte_t pte) { return !!(pte_val(pte) & REF_WRITE); }
static inline int pte_young(pte_t pte) { return !!(pte_val(pte) & REF_YOUNG); }
static inline int pte_dirty(pte_t pte) { return !!(pte_val(pte) & REF_DIRTY); }
static inline int pte_special(pte_t pte) { return !!(pte_val(pte) & REF_SPECIAL); }
static inline int pte_protnone(pte_t pte) { return (pte_val(pte) & (REF_PRESENT | REF_PROTNONE)) == REF_PROTNONE; }
static inline int pte_soft_dirty(pte_t pte) { return !!(pte_val(pte) & REF_SOFT_DIRTY); }
static inline int pte_uffd(pte_t pte) { return !!(pte_val(pte) & REF_UFFD); }
#define pte_uffd_wp(pte)	pte_uffd(pte)
#define pte_same(a, b)		(pte_val(a) == pte_val(b))

static inline pte_t pte_wrprotect(pte_t pte) { return __pte(pte_val(pte) & ~REF_WRITE); }
static inline pte_t pte_mkwrite_novma(pte_t pte) { return __pte(pte_val(pte) | REF_WRITE); }
static inline pte_t pte_mkyoung(pte_t pte) { return __pte(pte_val(pte) | REF_YOUNG); }
static inline pte_t pte_mkold(pte_t pte) { return __pte(pte_val(pte) & ~REF_YOUNG); }
static inline pte_t pte_mkdirty(pte_t pte) { return __pte(pte_val(pte) | REF_DIRTY | REF_SOFT_DIRTY); }
static inline pte_t pte_mkclean(pte_t pte) { return __pte(pte_val(pte) & ~REF_DIRTY); }
static inline pte_t pte_mkspecial(pte_t pte) { return __pte(pte_val(pte) | REF_SPECIAL); }
static inline pte_t pte_mksoft_dirty(pte_t pte) { return __pte(pte_val(pte) | REF_SOFT_DIRTY); }
static inline pte_t pte_clear_soft_dirty(pte_t pte) { return __pte(pte_val(pte) & ~REF_SOFT_DIRTY); }
static inline pte_t pte_mkuffd(pte_t pte) { return pte_wrprotect(__pte(pte_val(pte) | REF_UFFD)); }
static inline pte_t pte_clear_uffd(pte_t pte) { return __pte(pte_val(pte) & ~REF_UFFD); }
#define pte_mkuffd_wp(pte)	pte_mkuffd(pte)
#define pte_clear_uffd_wp(pte)	pte_clear_uffd(pte)

static inline pte_t pte_mkwrite(pte_t pte, struct vm_area_struct *vma)
{
	return pte_mkwrite_novma(pte);
}

static inline pte_t pte_modify(pte_t pte, pgprot_t newprot)
{
	return __pte((pte_val(pte) & REF_KEPT) | (pgprot_val(newprot) & ~REF_KEPT));
}

static inline pte_t pte_advance_pfn(pte_t pte, unsigned long nr)
{
	return __pte(pte_val(pte) + (nr << PFN_PTE_SHIFT));
}

#define pte_next_pfn(pte)	pte_advance_pfn(pte, 1)

static inline pte_t ptep_get(pte_t *ptep)
{
	return READ_ONCE(*ptep);
}

#define ptep_get_lockless(ptep)	ptep_get(ptep)

static inline void set_pte(pte_t *ptep, pte_t pte)
{
	WRITE_ONCE(*ptep, pte);
}

static inline void set_ptes(struct mm_struct *mm, unsigned long addr,
		pte_t *ptep, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		set_pte(ptep + i, pte_advance_pfn(pte, i));
}

#define set_pte_at(mm, addr, ptep, pte)	set_ptes(mm, addr, ptep, pte, 1)

static inline void pte_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	set_pte(ptep, __pte(0));
}

static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	return __pte(xchg(&ptep->pte, 0));
}

#define ptep_get_and_clear_full(mm, addr, ptep, full)	ptep_get_and_clear(mm, addr, ptep)

static inline void ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	unsigned long old;

	do {
		old = READ_ONCE(ptep->pte);
	} while (cmpxchg(&ptep->pte, old, old & ~REF_WRITE) != old);
}

static inline int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	unsigned long old;

	do {
		old = READ_ONCE(ptep->pte);
	} while (cmpxchg(&ptep->pte, old, old & ~REF_YOUNG) != old);
	return !!(old & REF_YOUNG);
}

static inline pte_t ptep_modify_prot_start(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	return ptep_get_and_clear(vma->vm_mm, addr, ptep);
}

static inline void ptep_modify_prot_commit(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, pte_t old_pte, pte_t pte)
{
	set_pte_at(vma->vm_mm, addr, ptep, pte);
}

/* Batches of the same: the first entry is returned with young and dirty of all. */
static inline pte_t modify_prot_start_ptes(struct vm_area_struct *vma,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t first = ptep_modify_prot_start(vma, addr, ptep);
	unsigned int i;

	for (i = 1; i < nr; i++) {
		pte_t pte = ptep_modify_prot_start(vma, addr + i * PAGE_SIZE, ptep + i);

		if (pte_young(pte))
			first = pte_mkyoung(first);
		if (pte_dirty(pte))
			first = pte_mkdirty(first);
	}
	return first;
}

static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		ptep_modify_prot_commit(vma, addr + i * PAGE_SIZE, ptep + i,
					pte_advance_pfn(old_pte, i), pte_advance_pfn(pte, i));
}

static inline pte_t get_and_clear_full_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep,
		unsigned int nr, int full)
{
	pte_t first = ptep_get_and_clear(mm, addr, ptep);
	unsigned int i;

	for (i = 1; i < nr; i++) {
		pte_t pte = ptep_get_and_clear(mm, addr + i * PAGE_SIZE, ptep + i);

		if (pte_young(pte))
			first = pte_mkyoung(first);
		if (pte_dirty(pte))
			first = pte_mkdirty(first);
	}
	return first;
}

#define get_and_clear_ptes(mm, addr, ptep, nr)	get_and_clear_full_ptes(mm, addr, ptep, nr, 0)

/* Batches: entries of consecutive pages of one folio that differ in nothing but what the flags let them. */
#define FPB_RESPECT_DIRTY	(1U << 0)
#define FPB_RESPECT_SOFT_DIRTY	(1U << 1)
#define FPB_RESPECT_WRITE	(1U << 2)
#define FPB_MERGE_WRITE		(1U << 3)
#define FPB_MERGE_YOUNG_DIRTY	(1U << 4)

unsigned long folio_pfn(const struct folio *folio);
long folio_nr_pages(const struct folio *folio);

static inline pte_t reference_comparable(pte_t pte, fpb_t flags)
{
	pte = pte_mkold(pte);
	if (!(flags & FPB_RESPECT_DIRTY))
		pte = pte_mkclean(pte);
	if (!(flags & FPB_RESPECT_SOFT_DIRTY))
		pte = pte_clear_soft_dirty(pte);
	return flags & FPB_RESPECT_WRITE ? pte : pte_wrprotect(pte);
}

static inline unsigned int folio_pte_batch_flags(struct folio *folio, struct vm_area_struct *vma,
		pte_t *ptep, pte_t *ptentp, unsigned int max_nr, fpb_t flags)
{
	unsigned long left = folio_pfn(folio) + folio_nr_pages(folio) - pte_pfn(*ptentp);
	pte_t first = *ptentp;
	unsigned int nr;

	for (nr = 1; nr < max_nr && nr < left; nr++) {
		pte_t pte = ptep_get(ptep + nr);

		if (!pte_same(reference_comparable(pte, flags),
			      reference_comparable(pte_advance_pfn(first, nr), flags)))
			break;
		if ((flags & FPB_MERGE_WRITE) && pte_write(pte))
			*ptentp = pte_mkwrite(*ptentp, vma);
		if ((flags & FPB_MERGE_YOUNG_DIRTY) && pte_young(pte))
			*ptentp = pte_mkyoung(*ptentp);
		if ((flags & FPB_MERGE_YOUNG_DIRTY) && pte_dirty(pte))
			*ptentp = pte_mkdirty(*ptentp);
	}
	return nr;
}

static inline unsigned int folio_pte_batch(struct folio *folio, pte_t *ptep, pte_t pte, unsigned int max_nr)
{
	return folio_pte_batch_flags(folio, NULL, ptep, &pte, max_nr, 0);
}

/* What is flushed is noted, not done. */
void tlb_flush_pte_range(struct mmu_gather *tlb, unsigned long address, unsigned long size);
void flush_tlb_range(struct vm_area_struct *vma, unsigned long start, unsigned long end);
void flush_tlb_page(struct vm_area_struct *vma, unsigned long addr);
void flush_tlb_mm(struct mm_struct *mm);

/* Where an architecture does not know better, every change of an entry is flushed. */
#define pte_needs_flush(oldpte, newpte)	1
int PageAnonExclusive(const struct page *page);

#endif
