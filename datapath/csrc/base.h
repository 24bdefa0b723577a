/*
 * What every C file of the project shares: time, addresses, small helpers.
 *
 * Time is uint64_t picoseconds since the epoch of the object that is driven (never since boot: 2^64 ps
 * is 213 days). A core never reads a clock; its driver passes `now_ps` in. Deadlines saturate at DP_NEVER.
 */
#ifndef DP_BASE_H
#define DP_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DP_NEVER UINT64_MAX
#define DP_NS    1000ULL
#define DP_US    1000000ULL
#define DP_MS    1000000000ULL
#define DP_SEC   1000000000000ULL

#define DP_ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define DP_CONTAINER_OF(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define DP_MIN(a, b)                     ((a) < (b) ? (a) : (b))
#define DP_MAX(a, b)                     ((a) > (b) ? (a) : (b))
#define dp_likely(x)                     __builtin_expect(!!(x), 1)
#define dp_unlikely(x)                   __builtin_expect(!!(x), 0)

/* An IP address in the form of a RoCEv2 GID (IBTA vol 1, A17.4): IPv4 is stored as ::ffff:a.b.c.d. */
/* cffi: begin */
struct dp_ip {
	uint8_t b[16];
};
/* cffi: end */

static inline bool dp_ip_is_v4(const struct dp_ip *ip)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(ip->b, prefix, sizeof(prefix)) == 0;
}

static inline bool dp_ip_eq(const struct dp_ip *a, const struct dp_ip *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* The later deadline of a sum, saturating. */
static inline uint64_t dp_add_ps(uint64_t a, uint64_t b)
{
	return a > DP_NEVER - b ? DP_NEVER : a + b;
}

static inline uint16_t dp_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t dp_get_be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t dp_get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t dp_get_be64(const uint8_t *p)
{
	return (uint64_t)dp_get_be32(p) << 32 | dp_get_be32(p + 4);
}

static inline void dp_put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void dp_put_be24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static inline void dp_put_be32(uint8_t *p, uint32_t v)
{
	dp_put_be16(p, (uint16_t)(v >> 16));
	dp_put_be16(p + 2, (uint16_t)v);
}

static inline void dp_put_be64(uint8_t *p, uint64_t v)
{
	dp_put_be32(p, (uint32_t)(v >> 32));
	dp_put_be32(p + 4, (uint32_t)v);
}

#endif
