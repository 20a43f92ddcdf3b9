/* Parts of the contract that only the simulated machine can show. */
#pragma once

void contract_decode(void);
