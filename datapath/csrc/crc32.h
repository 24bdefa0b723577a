/*
 * CRC-32 (IEEE 802.3, reflected 0xEDB88320), as RoCE's ICRC and Ethernet use it. `crc` is the running
 * register without the final inversion: start with 0xFFFFFFFF, invert at the end.
 */
#ifndef DP_CRC32_H
#define DP_CRC32_H

#include "datapath/csrc/base.h"

uint32_t dp_crc32_update(uint32_t crc, const void *data, size_t len);

/*
 * Copies and updates in one pass: what was copied is exactly what was summed, whoever writes to src meanwhile.
 * dst and src do not overlap.
 */
uint32_t dp_crc32_copy(uint32_t crc, void *dst, const void *src, size_t len);

/*
 * The register moved past `len` further bytes of zeros: crc(a then b) = dp_crc32_shift(crc of a, bytes of b) ^ (crc of b
 * from a register of 0). So what was summed while it was copied need not be read again when its headers are known.
 */
uint32_t dp_crc32_shift(uint32_t crc, uint32_t len);

const char *dp_crc32_method(void); /* "pclmulqdq" or "tables": what was found to be faster here */

/* The same without carry-less multiplication, whatever the processor has: what tests compare with. */
uint32_t dp_crc32_update_portable(uint32_t crc, const void *data, size_t len);
uint32_t dp_crc32_copy_portable(uint32_t crc, void *dst, const void *src, size_t len);
uint32_t dp_crc32_shift_portable(uint32_t crc, uint32_t len);

#endif
