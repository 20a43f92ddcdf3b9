/* Counting and printing for tests/contract. */
#include "tests/contract/contract.h"

static unsigned nr_done, nr_failed;

void contract_verdict(bool good, const char *what)
{
    nr_done++;
    nr_failed += !good;
    printk("%sok %u - %s\n", good ? "" : "not ", nr_done, what);
}

bool contract_failed(void)
{
    return nr_failed != 0;
}

unsigned contract_done(void)
{
    printk("1..%u\n", nr_done);
    printk("contract: %u of %u\n", nr_done - nr_failed, nr_done);
    return nr_failed;
}
