/*
 * The helpers of x86 as a harness writes them: 64-bit entries whose dirty bit moves to a software bit where they are
 * read-only, and whose page frame is inverted where they are not present to the hardware.
 */
typedef _Bool bool;
typedef unsigned long pgprotval_t;
typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pgprot; } pgprot_t;
#define true 1
#define false 0
#define NULL ((void *)0)
#define __always_inline inline

#define pte_val(x)	((x).pte)
#define __pte(x)	((pte_t) { (x) })
#define pgprot_val(x)	((x).pgprot)
#define __pgprot(x)	((pgprot_t) { (x) })

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PFN_MASK	(((1UL << 52) - 1) & ~(PAGE_SIZE - 1))
#define BIT_WRITE	1
#define BIT_DIRTY	6
#define BIT_SAVED_DIRTY	58
#define REF_PRESENT	(1UL << 0)
#define REF_WRITE	(1UL << BIT_WRITE)
#define REF_USER	(1UL << 2)
#define REF_YOUNG	(1UL << 5)
#define REF_DIRTY	(1UL << BIT_DIRTY)
#define REF_PROTNONE	(1UL << 8)
#define REF_UFFD	(1UL << 10)
#define REF_SOFT_DIRTY	(1UL << 11)
#define SAVED_DIRTY	(1UL << BIT_SAVED_DIRTY)
#define REF_NX		(1UL << 63)
#define KEPT		(PFN_MASK | REF_YOUNG | REF_DIRTY | SAVED_DIRTY | REF_SOFT_DIRTY | REF_UFFD | (1UL << 9) | (1UL << 57))
#define REF_DIRTIED(v)	saved_dirty((v) | REF_DIRTY)

#define PAGE_NONE	__pgprot(REF_PROTNONE | REF_YOUNG)
#define PAGE_READONLY	__pgprot(REF_PRESENT | REF_USER | REF_YOUNG | REF_NX)
#define PAGE_SHARED	__pgprot(REF_PRESENT | REF_USER | REF_YOUNG | REF_NX | REF_WRITE)

struct mm_struct { unsigned long flags; };
struct page { unsigned long flags; unsigned long private; };
struct folio { struct page page; };
struct mmu_gather { struct mm_struct *mm; };
struct vm_area_struct { struct mm_struct *vm_mm; unsigned long vm_flags; };
#define VM_WRITE	0x2UL
#define VM_SHARED	0x8UL

void tlb_flush_pte_range(struct mmu_gather *tlb, unsigned long address, unsigned long size);
int PageAnonExclusive(const struct page *page);

static inline bool is_inverted(unsigned long v) { return v && !(v & REF_PRESENT); }

static inline pgprotval_t saved_dirty(pgprotval_t v)
{
	pgprotval_t moves = (~v >> BIT_WRITE) & 1;

	v |= ((v >> BIT_DIRTY) & moves) << BIT_SAVED_DIRTY;
	return v & ~(moves << BIT_DIRTY);
}

static inline pgprotval_t restored_dirty(pgprotval_t v)
{
	pgprotval_t moves = (v >> BIT_WRITE) & 1;

	v |= ((v >> BIT_SAVED_DIRTY) & moves) << BIT_DIRTY;
	return v & ~(moves << BIT_SAVED_DIRTY);
}

static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	unsigned long address = pfn << PAGE_SHIFT;

	if (is_inverted(pgprot_val(prot)))
		address = ~address;
	return __pte((address & PFN_MASK) | pgprot_val(prot));
}

static inline unsigned long pte_pfn(pte_t pte)
{
	unsigned long v = pte_val(pte);

	return ((is_inverted(v) ? ~v : v) & PFN_MASK) >> PAGE_SHIFT;
}

static inline int pte_present(pte_t pte) { return !!(pte_val(pte) & (REF_PRESENT | REF_PROTNONE)); }
static inline int pte_write(pte_t pte) { return !!(pte_val(pte) & REF_WRITE); }
static inline int pte_young(pte_t pte) { return !!(pte_val(pte) & REF_YOUNG); }
static inline int pte_dirty(pte_t pte) { return !!(pte_val(pte) & (REF_DIRTY | SAVED_DIRTY)); }
static inline int pte_protnone(pte_t pte) { return (pte_val(pte) & (REF_PRESENT | REF_PROTNONE)) == REF_PROTNONE; }
static inline int pte_soft_dirty(pte_t pte) { return !!(pte_val(pte) & REF_SOFT_DIRTY); }
static inline int pte_uffd(pte_t pte) { return !!(pte_val(pte) & REF_UFFD); }
static inline pte_t pte_wrprotect(pte_t pte) { return __pte(saved_dirty(pte_val(pte) & ~REF_WRITE)); }
static inline pte_t pte_mkwrite_novma(pte_t pte) { return __pte(pte_val(pte) | REF_WRITE); }
static inline pte_t pte_mkyoung(pte_t pte) { return __pte(pte_val(pte) | REF_YOUNG); }
static inline pte_t pte_mkold(pte_t pte) { return __pte(pte_val(pte) & ~REF_YOUNG); }
static inline pte_t pte_mkdirty(pte_t pte) { return __pte(saved_dirty(pte_val(pte) | REF_DIRTY | REF_SOFT_DIRTY)); }
static inline pte_t pte_mkuffd(pte_t pte) { return pte_wrprotect(__pte(pte_val(pte) | REF_UFFD)); }
static inline pte_t pte_clear_uffd(pte_t pte) { return __pte(pte_val(pte) & ~REF_UFFD); }
static inline pte_t pte_mkuffd_wp(pte_t pte) { return pte_mkuffd(pte); }
static inline pte_t pte_clear_uffd_wp(pte_t pte) { return pte_clear_uffd(pte); }

static inline pte_t pte_mkwrite(pte_t pte, struct vm_area_struct *vma)
{
	return __pte(restored_dirty(pte_val(pte_mkwrite_novma(pte))));
}

static inline pte_t pte_modify(pte_t pte, pgprot_t newprot)
{
	unsigned long old = pte_val(pte), v = (old & KEPT) | (pgprot_val(newprot) & ~KEPT);

	if (is_inverted(old) != is_inverted(v))
		v ^= PFN_MASK;
	return __pte(old & REF_WRITE ? saved_dirty(v) : restored_dirty(v));
}

static inline pte_t pte_advance_pfn(pte_t pte, unsigned long nr)
{
	if (is_inverted(pte_val(pte)))
		return __pte(pte_val(pte) - (nr << PAGE_SHIFT));
	return __pte(pte_val(pte) + (nr << PAGE_SHIFT));
}

/* A TLB may keep what is taken away; accessed and the bits of software it does not know. */
static inline bool pte_needs_flush(pte_t oldpte, pte_t newpte)
{
	unsigned long changed = pte_val(oldpte) ^ pte_val(newpte);

	if (!(pte_val(oldpte) & REF_PRESENT))
		return false;
	if (pte_pfn(oldpte) != pte_pfn(newpte))
		return true;
	if (changed & pte_val(oldpte) & (REF_DIRTY | REF_PRESENT))
		return true;
	return !!(changed & (REF_WRITE | REF_USER | REF_NX));
}

static inline pte_t ptep_get(pte_t *ptep)
{
	return READ_ONCE(*ptep);
}

static inline void set_pte(pte_t *ptep, pte_t pte)
{
	WRITE_ONCE(*ptep, pte);
}

static inline void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned int nr)
{
	for (;;) {
		set_pte(ptep, pte);
		if (--nr == 0)
			break;
		ptep++;
		pte = pte_advance_pfn(pte, 1);
	}
}

static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	return __pte(xchg(&ptep->pte, 0));
}

static inline pte_t ptep_modify_prot_start(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	return ptep_get_and_clear(vma->vm_mm, addr, ptep);
}

static inline void ptep_modify_prot_commit(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t old_pte,
					   pte_t pte)
{
	set_ptes(vma->vm_mm, addr, ptep, pte, 1);
}

static inline pte_t modify_prot_start_ptes(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte = ptep_modify_prot_start(vma, addr, ptep), next;

	while (--nr) {
		ptep++;
		addr += PAGE_SIZE;
		next = ptep_modify_prot_start(vma, addr, ptep);
		if (pte_dirty(next))
			pte = pte_mkdirty(pte);
		if (pte_young(next))
			pte = pte_mkyoung(pte);
	}
	return pte;
}

static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t old_pte,
					   pte_t pte, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++, ptep++, addr += PAGE_SIZE) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);
		old_pte = pte_advance_pfn(old_pte, 1);
		pte = pte_advance_pfn(pte, 1);
	}
}
