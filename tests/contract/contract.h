/*
 * The HAL's contract as one program: for each operation what must hold before and after. It runs on
 * the simulated machine with both codecs and in the kernel on both targets (quoin.selftest=contract
 * of a build with QUOIN_CONTRACT=ON), and prints TAP lines by printk.
 */
#pragma once

#include "kernel/assert.h"
#include "kernel/printk.h"
#include "kernel/types.h"

/* Counts and prints one verdict. */
void contract_verdict(bool good, const char *what);
#define contract_ok(cond, what) contract_verdict((cond), (what))

bool contract_failed(void);
/* Prints the score. Returns the number of failed checks. */
unsigned contract_done(void);

/* Pure parts, any machine. */
void contract_pte(void);
/* hal_mmu: needs mm/ up. access(): a user load (PTE_READ) or store; NULL where the machine has none. */
typedef uint8_t *(*contract_access_t)(vaddr_t va, uint32_t access);
void contract_mmu(contract_access_t access);
/* The CPU, contexts and board of a target. */
void contract_cpu(void);
void contract_context(void);
void contract_sigframe(void);
void contract_board(void);
