/* Prints what iproute2's tools print: an object a line, "name value name value", or JSON. */
#ifndef TOOL_PRINT_H
#define TOOL_PRINT_H

#include <stdbool.h>

struct printer {
	bool json, pretty, details;
	bool more_objects, more_fields;
};

void print_begin(struct printer *p);
void print_end(struct printer *p);
void print_open(struct printer *p);
void print_close(struct printer *p);

void print_text(struct printer *p, const char *name, const char *value);
void print_number(struct printer *p, const char *name, unsigned long long value);
void print_bool(struct printer *p, const char *name, bool value);

/* Heads of objects: "0: dpu0:", "link dpu0/1" with and without the device's index in JSON. */
void print_index(struct printer *p, unsigned int index, const char *dev);
void print_link(struct printer *p, unsigned int index, const char *dev, long port);
void print_port(struct printer *p, const char *dev, long port);

#endif
