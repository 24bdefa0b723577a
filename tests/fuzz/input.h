/* What fuzz targets of programs share: numbers from the input, zeros when it is used up. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
	const uint8_t *p;
	size_t n;
};

static inline uint32_t take(struct input *in, int bytes)
{
	uint32_t v = 0;

	while (bytes--) {
		v = v << 8 | (in->n ? *in->p : 0);
		in->p += in->n ? 1 : 0;
		in->n -= in->n ? 1 : 0;
	}
	return v;
}

#endif
