/*
 * Checks for C tests: a failed one prints its place and values, is counted, and lets the test go on.
 *
 *	static void test_wrap(void) { CHECK_EQ(psn_add(0xffffff, 1), 0); }
 *	int main(void) { RUN(test_wrap); return check_done(); }
 *
 * One test file is one program, so the counters may be static here.
 */
#ifndef DPU_TESTS_CHECK_H
#define DPU_TESTS_CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int check_total;
static int check_failed;

static inline int check_report(int ok, const char *file, int line, const char *text)
{
	check_total++;
	if (!ok) {
		check_failed++;
		fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
	}
	return ok;
}

/* True or a failure; the value is the condition's, so `if (!CHECK(p)) return;` stops a test. */
#define CHECK(cond) check_report(!!(cond), __FILE__, __LINE__, #cond)

/* Two integers of any type, printed when they differ. */
#define CHECK_EQ(got, want) \
	do { \
		intmax_t got_ = (intmax_t)(got), want_ = (intmax_t)(want); \
		if (!check_report(got_ == want_, __FILE__, __LINE__, #got " == " #want)) \
			fprintf(stderr, "\tgot  %" PRIdMAX " (%#" PRIxMAX ")\n\twant %" PRIdMAX " (%#" PRIxMAX ")\n", \
				got_, (uintmax_t)got_, want_, (uintmax_t)want_); \
	} while (0)

#define CHECK_STR(got, want) \
	do { \
		const char *got_ = (got), *want_ = (want); \
		if (!check_report(strcmp(got_, want_) == 0, __FILE__, __LINE__, #got " == " #want)) \
			fprintf(stderr, "\tgot  \"%s\"\n\twant \"%s\"\n", got_, want_); \
	} while (0)

/* Two byte strings; prints the first that differs. */
#define CHECK_MEM(got, want, len) \
	do { \
		const uint8_t *got_ = (const void *)(got), *want_ = (const void *)(want); \
		size_t len_ = (len), at_ = 0; \
		while (at_ < len_ && got_[at_] == want_[at_]) \
			at_++; \
		if (!check_report(at_ == len_, __FILE__, __LINE__, #got " == " #want)) \
			fprintf(stderr, "\tbyte %zu of %zu: got %#x, want %#x\n", at_, len_, got_[at_], want_[at_]); \
	} while (0)

/* Runs one test, and names it when something in it failed. */
#define RUN(test) \
	do { \
		int before_ = check_failed; \
		test(); \
		if (check_failed != before_) \
			fprintf(stderr, "%s: in %s\n", __FILE__, #test); \
	} while (0)

/* The exit code of main(); a test without a single check has failed. */
static inline int check_done(void)
{
	printf("%d checks, %d failed\n", check_total, check_failed);
	return check_failed != 0 || check_total == 0;
}

#endif
