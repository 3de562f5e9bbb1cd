/*
 * What both harnesses share: memory as the helpers access it, the batch, and with RACED one access of the MMU to one
 * entry between any two accesses of the code. The helpers (HELPERS) are those of the reference tree of ptlint, or x86's.
 */
#ifdef RACED
static void mmu(void);
#else
#define mmu()	((void)0)
#endif
#define READ_ONCE(x)	({ mmu(); *(volatile __typeof__(x) *)&(x); })
#define WRITE_ONCE(x, v)	({ mmu(); (x) = (v); })
#define xchg(p, v)	({ mmu(); __typeof__(*(p)) was_ = *(p); *(p) = (v); was_; })
#define cmpxchg(p, o, n)	({ mmu(); __typeof__(*(p)) was_ = *(p); if (was_ == (o)) *(p) = (n); was_; })
#include HELPERS
#ifndef REF_DIRTIED
#define REF_DIRTIED(v)	((v) | REF_DIRTY)
#endif

unsigned long nondet_ulong(void);
unsigned int nondet_uint(void);

static pte_t table[MOST + 2];
static unsigned long before[MOST];
static unsigned long first_pfn;
static unsigned int nr;
static _Bool touched, dirtied;
static unsigned int when, now, which;

#ifdef RACED
static _Bool running, store;

static void mmu(void)
{
	unsigned long value;

	if (!running || now++ != when)
		return;
	value = table[1 + which].pte;
	if (!(value & REF_PRESENT))
		return;
	touched = 1;
	value |= REF_YOUNG;
	if (store && (value & REF_WRITE)) {
		dirtied = 1;
		value |= REF_DIRTY;
	}
	table[1 + which].pte = value;
}
#endif

/* A batch of any pages in a row: alike, but for accessed and dirty. */
static void set_up(void)
{
	unsigned long kind = nondet_ulong() & (REF_WRITE | REF_UFFD | REF_SOFT_DIRTY);

	nr = nondet_uint();
	first_pfn = nondet_ulong();
	__CPROVER_assume(nr >= 1 && nr <= MOST);
	__CPROVER_assume(first_pfn < (1UL << 40) - MOST);
	__CPROVER_assume((kind & (REF_WRITE | REF_UFFD)) != (REF_WRITE | REF_UFFD));
	for (unsigned int i = 0; i < nr; i++) {
		before[i] = pte_val(pte_mkold(pfn_pte(first_pfn + i, PAGE_READONLY))) | kind;
		before[i] |= nondet_ulong() & REF_YOUNG;
		if (nondet_uint() & 1)
			before[i] = REF_DIRTIED(before[i]);
		table[1 + i].pte = before[i];
	}
	when = nondet_uint();
	which = nondet_uint();
	__CPROVER_assume(which < nr);
#ifdef RACED
	store = nondet_uint() & 1;
	running = 1;
#endif
}

/* What every entry keeps, whatever is done to it. */
static void check_kept(unsigned int i)
{
	pte_t was = __pte(before[i]), pte = table[1 + i];

	__CPROVER_assert(pte_present(pte), "present");
	__CPROVER_assert(pte_pfn(pte) == first_pfn + i, "page frame");
	__CPROVER_assert(!(pte_young(was) || (touched && i == which)) || pte_young(pte), "accessed");
	__CPROVER_assert(!(pte_dirty(was) || (dirtied && i == which)) || pte_dirty(pte), "dirty");
	__CPROVER_assert(!pte_soft_dirty(was) || pte_soft_dirty(pte), "soft-dirty");
}

static void check_outside(void)
{
	__CPROVER_assert(!pte_val(table[0]) && !pte_val(table[nr + 1]), "outside");
}
