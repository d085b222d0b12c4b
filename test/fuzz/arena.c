/*-------------------------------------------------------------------------
 *
 * arena.c
 *	  Memory of the stand-alone programs.
 *
 * In the server the parsers, and PostgreSQL's JSON parser below them, leave
 * the freeing to a memory context.  Stand-alone, palloc() is malloc(), and each
 * refused document would leak.  So palloc() and its kin are replaced here by
 * versions that remember each block; they are linked with
 * --allow-multiple-definition before libpgcommon.  Each block is a block of
 * malloc(), for the address sanitizer to watch.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "arena.h"

#define BLOCK_MAGIC 0x51554159

typedef struct Block
{
	struct Block *next;
	struct Block *previous;
	size_t		size;
	size_t		magic;			/* also keeps what follows aligned to 16 */
} Block;

static Block anchor = {&anchor, &anchor, 0, BLOCK_MAGIC};
static size_t in_use = 0;

static void
die(const char *message)
{
	fprintf(stderr, "arena: %s\n", message);
	abort();
}

static void
link_block(Block *block, size_t size)
{
	block->size = size;
	block->magic = BLOCK_MAGIC;
	block->next = anchor.next;
	block->previous = &anchor;
	anchor.next->previous = block;
	anchor.next = block;
	in_use += size;
}

static Block *
unlink_block(void *pointer)
{
	Block	   *block;

	if (pointer == NULL)
		die("null pointer freed");
	block = (Block *) pointer - 1;
	if (block->magic != BLOCK_MAGIC)
		die("pointer does not come from palloc()");
	block->next->previous = block->previous;
	block->previous->next = block->next;
	in_use -= block->size;
	return block;
}

void *
palloc(Size size)
{
	Block	   *block = malloc(sizeof(Block) + size);

	if (block == NULL)
		die("out of memory");
	link_block(block, size);
	return block + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
palloc_extended(Size size, int flags)
{
	return (flags & MCXT_ALLOC_ZERO) ? palloc0(size) : palloc(size);
}

void *
repalloc(void *pointer, Size size)
{
	Block	   *block = realloc(unlink_block(pointer), sizeof(Block) + size);

	if (block == NULL)
		die("out of memory");
	link_block(block, size);
	return block + 1;
}

void
pfree(void *pointer)
{
	Block	   *block = unlink_block(pointer);

	block->magic = 0;
	free(block);
}

char *
pnstrdup(const char *in, Size size)
{
	size_t		length = strnlen(in, size);
	char	   *copy = palloc(length + 1);

	memcpy(copy, in, length);
	copy[length] = '\0';
	return copy;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

void
arena_reset(void)
{
	while (anchor.next != &anchor)
		pfree(anchor.next + 1);
}

size_t
arena_in_use(void)
{
	return in_use;
}
