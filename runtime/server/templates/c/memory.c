// Memory that is only ever taken. Each event has an instance of its own, which ends with it, so that nothing needs to be given
// back; and a handler that keeps no books of free memory is smaller, and writes to fewer pages. What an event takes in sum
// counts against its limit, even if it frees. Without this file, the C library's malloc is there.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WASM_PAGE = 65536 };

extern char __heap_base;

static uintptr_t top = (uintptr_t)&__heap_base;

static void *take(size_t align, size_t size) {
  uintptr_t at = (top + align - 1) & ~(uintptr_t)(align - 1), there = __builtin_wasm_memory_size(0) * WASM_PAGE;
  if (at < top || size > UINTPTR_MAX - at) return NULL;
  if (at + size > there) {
    size_t pages = (at + size - there - 1) / WASM_PAGE + 1;
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) return NULL;
  }
  top = at + size;
  return (void *)at;
}

void *malloc(size_t size) { return take(_Alignof(max_align_t), size); }

void *aligned_alloc(size_t align, size_t size) { return take(align, size); }

int posix_memalign(void **out, size_t align, size_t size) {
  void *at = take(align, size);
  if (!at) return ENOMEM;
  *out = at;
  return 0;
}

// What was never taken before is zero.
void *calloc(size_t count, size_t size) {
  size_t all;
  return __builtin_mul_overflow(count, size, &all) ? NULL : malloc(all);
}

// The old size isn't known. What is copied too much lies within memory, and nobody has been promised what it is.
void *realloc(void *old, size_t size) {
  void *at = malloc(size);
  return at && old ? memmove(at, old, size) : at;
}

void free(void *unused) { (void)unused; }
