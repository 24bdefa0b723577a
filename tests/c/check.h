/* The smallest test harness: a failed check prints where and what, the program ends with check_result(). */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_count, check_failed;

#define CHECK(cond) check_that((cond) ? true : false, #cond, __FILE__, __LINE__)
#define CHECK_EQ(a, b) check_eq((uint64_t)(a), (uint64_t)(b), #a " == " #b, __FILE__, __LINE__)

static inline bool check_that(bool ok, const char *what, const char *file, int line)
{
	check_count++;
	if (!ok && check_failed++ < 20)
		fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	return ok;
}

static inline bool check_eq(uint64_t a, uint64_t b, const char *what, const char *file, int line)
{
	bool ok = check_that(a == b, what, file, line);

	if (!ok && check_failed <= 20)
		fprintf(stderr, "\t%" PRIu64 " (0x%" PRIx64 ") is not %" PRIu64 " (0x%" PRIx64 ")\n", a, a, b, b);
	return ok;
}

static inline int check_result(void)
{
	printf("%d checks, %d failed\n", check_count, check_failed);
	return check_failed != 0;
}

#endif
