/* The other side of ArrowCDataTests: a consumer and a producer of the Arrow C Data Interface, which know nothing but its specification. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

/* ---- Consumer: writes a table as text, a line for each column and each value. ---- */

struct text {
  char *at;
  size_t left;
};

static void print(struct text *out, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(out->at, out->left, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= out->left)
    length = out->left == 0 ? 0 : (int)out->left - 1;
  out->at += length;
  out->left -= (size_t)length;
}

static int bit(const void *bitmap, int64_t i) { return (((const uint8_t *)bitmap)[i / 8] >> (i % 8)) & 1; }

static void print_hex(struct text *out, const uint8_t *bytes, int64_t length) {
  for (int64_t i = 0; i < length; i++)
    print(out, "%02x", bytes[i]);
}

static void print_value(struct text *out, const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row) {
  int64_t i = array->offset + row;
  if (schema->format[0] == 'n' || (array->buffers[0] != NULL && !bit(array->buffers[0], i))) {
    print(out, "null");
    return;
  }
  switch (schema->format[0]) {
  case 'b': print(out, "%d", bit(array->buffers[1], i)); return;
  case 'c': print(out, "%" PRId8, ((const int8_t *)array->buffers[1])[i]); return;
  case 's': print(out, "%" PRId16, ((const int16_t *)array->buffers[1])[i]); return;
  case 'i': print(out, "%" PRId32, ((const int32_t *)array->buffers[1])[i]); return;
  case 'l': case 't': print(out, "%" PRId64, ((const int64_t *)array->buffers[1])[i]); return;
  case 'C': print(out, "%" PRIu8, ((const uint8_t *)array->buffers[1])[i]); return;
  case 'S': case 'e': print(out, "%" PRIu16, ((const uint16_t *)array->buffers[1])[i]); return;
  case 'I': case 'f': print(out, "%" PRIu32, ((const uint32_t *)array->buffers[1])[i]); return;
  case 'L': case 'g': print(out, "%" PRIu64, ((const uint64_t *)array->buffers[1])[i]); return;
  case 'u': case 'z': {
    const int32_t *offsets = array->buffers[1];
    print_hex(out, (const uint8_t *)array->buffers[2] + offsets[i], offsets[i + 1] - offsets[i]);
    return;
  }
  case 'U': case 'Z': {
    const int64_t *offsets = array->buffers[1];
    print_hex(out, (const uint8_t *)array->buffers[2] + offsets[i], offsets[i + 1] - offsets[i]);
    return;
  }
  default: { /* +w:N */
    int64_t size = atoi(schema->format + 3);
    for (int64_t j = 0; j < size; j++) {
      if (j != 0)
        print(out, ",");
      print_value(out, schema->children[0], array->children[0], i * size + j);
    }
  }
  }
}

static void print_column(struct text *out, const struct ArrowSchema *schema, const struct ArrowArray *array) {
  print(out, "%s %s %d %" PRId64 "\n", schema->name, schema->format, (schema->flags & 2) != 0, array->null_count);
  for (int64_t row = 0; row < array->length; row++) {
    print_value(out, schema, array, row);
    print(out, "\n");
  }
}

/* Describes a struct array and releases it, or, with take, moves the column out, releases the rest, and describes only that. */
EXPORT void consume(struct ArrowSchema *schema, struct ArrowArray *array, int take, char *buffer, int64_t size) {
  struct text out = {buffer, (size_t)size};
  if (take >= 0) {
    struct ArrowArray moved = *array->children[take];
    array->children[take]->release = NULL;
    array->release(array);
    print_column(&out, schema->children[take], &moved);
    moved.release(&moved);
  } else {
    for (int64_t i = 0; i < array->n_children; i++)
      print_column(&out, schema->children[i], array->children[i]);
    array->release(array);
  }
  schema->release(schema);
  if (array->release != NULL || schema->release != NULL)
    print(&out, "not released\n");
}

/* ---- Producer: a table whose rows and columns begin at offsets, in memory that is overwritten when it is released. ---- */

static int live; /* structures that have not been released */

EXPORT int live_count(void) { return live; }

static void *allocate(size_t size) {
  void *memory = calloc(1, size == 0 ? 1 : size);
  if (memory == NULL)
    abort();
  return memory;
}

static void release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release != NULL)
      schema->children[i]->release(schema->children[i]);
    free(schema->children[i]);
  }
  if (schema->dictionary != NULL) {
    schema->dictionary->release(schema->dictionary);
    free(schema->dictionary);
  }
  free(schema->children);
  schema->release = NULL;
  live--;
}

static void release_array(struct ArrowArray *array) {
  size_t *sizes = array->private_data;
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release != NULL)
      array->children[i]->release(array->children[i]);
    free(array->children[i]);
  }
  if (array->dictionary != NULL) {
    array->dictionary->release(array->dictionary);
    free(array->dictionary);
  }
  for (int64_t i = 0; i < array->n_buffers; i++) {
    if (array->buffers[i] != NULL)
      memset((void *)array->buffers[i], 0xDB, sizes[i]);
    free((void *)array->buffers[i]);
  }
  free(sizes);
  free(array->buffers);
  free(array->children);
  array->release = NULL;
  live--;
}

static void make_schema(struct ArrowSchema *schema, const char *format, const char *name, int64_t n_children) {
  *schema = (struct ArrowSchema){.format = format, .name = name, .flags = 2, .n_children = n_children, .release = release_schema};
  schema->children = allocate((size_t)n_children * sizeof(*schema->children));
  for (int64_t i = 0; i < n_children; i++)
    schema->children[i] = allocate(sizeof(**schema->children));
  live++;
}

static void make_array(struct ArrowArray *array, int64_t length, int64_t null_count, int64_t offset, int64_t n_buffers,
                       int64_t n_children) {
  *array = (struct ArrowArray){.length = length, .null_count = null_count, .offset = offset, .n_buffers = n_buffers,
                               .n_children = n_children, .release = release_array};
  array->private_data = allocate((size_t)n_buffers * sizeof(size_t));
  array->buffers = allocate((size_t)n_buffers * sizeof(*array->buffers));
  array->children = allocate((size_t)n_children * sizeof(*array->children));
  for (int64_t i = 0; i < n_children; i++)
    array->children[i] = allocate(sizeof(**array->children));
  live++;
}

static void set_buffer(struct ArrowArray *array, int i, const void *bytes, size_t size) {
  void *copy = allocate(size);
  memcpy(copy, bytes, size);
  array->buffers[i] = copy;
  ((size_t *)array->private_data)[i] = size;
}

/* Four rows, which begin at offset 1 of the table:
     number   10, null, 30, 40         its own offset is 2
     text     "b", "", null, "zwölf"
     vector   (2, 3), (4, 5), (6, 7), null     the elements' own offset is 1
     large    "L", "LL", "LLL", ""
     flag     true, false, null, true  its own offset is 9
     color    "red", null, "green", "red", of a dictionary */
EXPORT void produce(struct ArrowSchema *schema, struct ArrowArray *array) {
  make_schema(schema, "+s", "", 6);
  make_array(array, 4, 0, 1, 1, 6);
  struct ArrowSchema **s = schema->children;
  struct ArrowArray **a = array->children;

  make_schema(s[0], "i", "number", 0);
  make_array(a[0], 5, -1, 2, 2, 0);
  set_buffer(a[0], 0, (const uint8_t[]){0x6F}, 1); /* bit 4 */
  set_buffer(a[0], 1, (const int32_t[]){-1, -1, 0, 10, 20, 30, 40}, 28);

  make_schema(s[1], "u", "text", 0);
  make_array(a[1], 5, 1, 0, 3, 0);
  set_buffer(a[1], 0, (const uint8_t[]){0x17}, 1);
  set_buffer(a[1], 1, (const int32_t[]){0, 1, 2, 2, 2, 8}, 24);
  set_buffer(a[1], 2, "abzw\xC3\xB6lf", 8);

  make_schema(s[2], "+w:2", "vector", 1);
  make_schema(s[2]->children[0], "f", "item", 0);
  make_array(a[2], 5, 1, 0, 1, 1);
  set_buffer(a[2], 0, (const uint8_t[]){0x0F}, 1);
  make_array(a[2]->children[0], 10, 0, 1, 2, 0);
  set_buffer(a[2]->children[0], 1, (const float[]){-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 44);

  make_schema(s[3], "U", "large", 0);
  make_array(a[3], 5, 0, 0, 3, 0);
  set_buffer(a[3], 1, (const int64_t[]){0, 3, 4, 6, 9, 9}, 48);
  set_buffer(a[3], 2, "xxxLLLLLL", 9);

  make_schema(s[4], "b", "flag", 0);
  make_array(a[4], 5, 1, 9, 2, 0);
  set_buffer(a[4], 0, (const uint8_t[]){0xFF, 0xEF}, 2); /* bit 12 */
  set_buffer(a[4], 1, (const uint8_t[]){0x00, 0x24}, 2); /* bits 10 and 13 */

  make_schema(s[5], "C", "color", 0);
  s[5]->dictionary = allocate(sizeof(struct ArrowSchema));
  make_schema(s[5]->dictionary, "u", "", 0);
  make_array(a[5], 5, 1, 0, 2, 0);
  set_buffer(a[5], 0, (const uint8_t[]){0x1B}, 1);
  set_buffer(a[5], 1, (const uint8_t[]){0, 1, 99, 0, 1}, 5);
  a[5]->dictionary = allocate(sizeof(struct ArrowArray));
  make_array(a[5]->dictionary, 2, 0, 0, 3, 0);
  set_buffer(a[5]->dictionary, 1, (const int32_t[]){0, 5, 8}, 12);
  set_buffer(a[5]->dictionary, 2, "greenred", 8);
}
