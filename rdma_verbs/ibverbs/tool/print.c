#include "rdma_verbs/ibverbs/tool/print.h"

#include <stdio.h>

void print_begin(struct printer *p)
{
	if (p->json)
		putchar('[');
}

void print_end(struct printer *p)
{
	if (p->json)
		printf(p->pretty && p->more_objects ? " ]\n" : "]\n");
}

void print_open(struct printer *p)
{
	if (p->json)
		printf(p->more_objects ? ",{" : p->pretty ? " {" : "{");
	p->more_objects = true;
	p->more_fields = false;
}

void print_close(struct printer *p)
{
	if (p->json)
		printf(p->pretty ? "\n    }" : "}");
	else
		putchar('\n');
}

static void json_name(struct printer *p, const char *name)
{
	if (p->more_fields)
		putchar(',');
	p->more_fields = true;
	if (p->pretty)
		printf("\n        \"%s\": ", name);
	else
		printf("\"%s\":", name);
}

static void json_text(const char *value)
{
	putchar('"');
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void print_text(struct printer *p, const char *name, const char *value)
{
	if (!p->json) {
		printf("%s %s ", name, value);
		return;
	}
	json_name(p, name);
	json_text(value);
}

void print_number(struct printer *p, const char *name, unsigned long long value)
{
	if (!p->json) {
		printf("%s %llu ", name, value);
		return;
	}
	json_name(p, name);
	printf("%llu", value);
}

void print_bool(struct printer *p, const char *name, bool value)
{
	if (!p->json) {
		printf("%s %s ", name, value ? "on" : "off");
		return;
	}
	json_name(p, name);
	printf(value ? "true" : "false");
}

void print_index(struct printer *p, unsigned int index, const char *dev)
{
	if (!p->json) {
		printf("%u: %s: ", index, dev);
		return;
	}
	print_number(p, "ifindex", index);
	print_text(p, "ifname", dev);
}

void print_port(struct printer *p, const char *dev, long port)
{
	if (!p->json) {
		printf("link %s/%ld ", dev, port);
		return;
	}
	print_text(p, "ifname", dev);
	print_number(p, "port", (unsigned long long)port);
}

void print_link(struct printer *p, unsigned int index, const char *dev, long port)
{
	if (p->json)
		print_number(p, "ifindex", index);
	print_port(p, dev, port);
}
