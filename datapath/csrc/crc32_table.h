/* Constants of crc32.c. */
#ifndef DP_CRC32_TABLE_H
#define DP_CRC32_TABLE_H

#include "datapath/csrc/base.h"

extern const uint32_t dp_crc32_table[16][256];

#endif
