/*-------------------------------------------------------------------------
 *
 * replay.c
 *	  Runs a fuzz target without libFuzzer.
 *
 * Usage: replay NAME SECONDS CORPUS_DIRECTORY DICTIONARY ARTIFACT
 *
 * Runs the target over each file of the corpus, over some generated inputs
 * that are too large to keep, and then over mutations of the corpus until the
 * time is over.  The mutations follow from a fixed seed: run n is the same on
 * each machine.  The input that makes the target fail is left in ARTIFACT.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <dirent.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>

#define MAX_INPUTS 4096
#define MAX_TOKENS 1024
#define MAX_LENGTH 65536

typedef struct Input
{
	uint8	   *data;
	size_t		length;
} Input;

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static Input inputs[MAX_INPUTS];
static int	ninputs = 0;
static Input tokens[MAX_TOKENS];
static int	ntokens = 0;

static const char *artifact;
static Input current;
static uint64 random_state = UINT64CONST(0x9E3779B97F4A7C15);

static void
die(const char *message, const char *object)
{
	fprintf(stderr, "replay: %s: %s\n", message, object);
	exit(2);
}

/* Keep the failing input; called on the way to the program's end. */
static void
save_current(void)
{
	FILE	   *file;

	if (current.data == NULL)
		return;
	file = fopen(artifact, "wb");
	if (file == NULL)
		return;
	fwrite(current.data, 1, current.length, file);
	fclose(file);
	fprintf(stderr, "replay: failing input saved as %s\n", artifact);
}

static void
on_abort(int signal_number)
{
	save_current();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* The target gets a block of exactly the input's size, to catch overreads. */
static void
run(const uint8 *data, size_t length)
{
	current.length = length;
	current.data = malloc(length > 0 ? length : 1);
	if (length > 0)
		memcpy(current.data, data, length);
	LLVMFuzzerTestOneInput(current.data, length);
	free(current.data);
	current.data = NULL;
}

/* xorshift64* */
static uint32
next_random(uint32 bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32) ((random_state * UINT64CONST(0x2545F4914F6CDD1D)) >> 33) % bound;
}

/* ---- Corpus and dictionary ---- */

static void
add_file(const char *path)
{
	FILE	   *file = fopen(path, "rb");
	uint8	   *data = malloc(MAX_LENGTH);

	if (file == NULL)
		die("cannot open", path);
	if (ninputs == MAX_INPUTS)
		die("too many files", path);
	inputs[ninputs].length = fread(data, 1, MAX_LENGTH, file);
	inputs[ninputs].data = data;
	ninputs++;
	fclose(file);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* In order of name, so that run n is the same everywhere. */
static void
read_corpus(const char *directory)
{
	char	   *names[MAX_INPUTS];
	int			count = 0;
	DIR		   *dir = opendir(directory);
	struct dirent *entry;
	char		path[4096];

	if (dir == NULL)
		die("cannot open", directory);
	while ((entry = readdir(dir)) != NULL && count < MAX_INPUTS)
	{
		if (entry->d_name[0] != '.')
			names[count++] = strdup(entry->d_name);
	}
	closedir(dir);
	qsort(names, count, sizeof(char *), compare_names);
	for (int i = 0; i < count; i++)
	{
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		add_file(path);
		free(names[i]);
	}
	if (ninputs == 0)
		die("empty corpus", directory);
}

/* Lines of the form name="text", where \xNN, \\ and \" are escapes. */
static void
read_dictionary(const char *path)
{
	FILE	   *file = fopen(path, "r");
	char		line[1024];

	if (file == NULL)
		die("cannot open", path);
	while (fgets(line, sizeof(line), file) != NULL && ntokens < MAX_TOKENS)
	{
		char	   *s = strchr(line, '"');
		char	   *end = strrchr(line, '"');
		Input	   *token = &tokens[ntokens];

		if (line[0] == '#' || s == NULL || end == s)
			continue;
		token->data = malloc(sizeof(line));
		token->length = 0;
		for (s++; s < end; s++)
		{
			unsigned int byte = (unsigned char) *s;

			if (s[0] == '\\' && s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1)
				s += 3;
			else if (s[0] == '\\')
				byte = (unsigned char) *++s;
			token->data[token->length++] = (uint8) byte;
		}
		ntokens++;
	}
	fclose(file);
}

/* ---- Inputs ---- */

/* `opening` 10,000 times after a prefix: deep nesting, or just long. */
static void
run_repeated(const char *prefix, const char *opening, const char *suffix)
{
	const int	times = 10000;
	size_t		unit = strlen(opening);
	size_t		length = strlen(prefix) + unit * times + strlen(suffix);
	char	   *data = malloc(length + 1);
	char	   *p = data;

	p = stpcpy(p, prefix);
	for (int i = 0; i < times; i++)
		p = stpcpy(p, opening);
	stpcpy(p, suffix);
	run((uint8 *) data, length);
	free(data);
}

static int
run_generated(void)
{
	run((const uint8 *) "", 0);
	run_repeated("", "[", "");
	run_repeated("1", "{\"config\":", "");
	run_repeated("{\"annotations\":", "[{\"a\":", "1");
	run_repeated("5{\"history\":[", "{},", "{}]}");
	run_repeated("{\"layers\":[", "[],", "[]]}");
	run_repeated("sha256:", "0123456789abcdef", "");
	run_repeated("a", "/a", "");
	run_repeated("a", ".", "");
	run_repeated("", "9", "y");
	return 10;
}

/* Put `length` bytes in place of `removed` bytes at `at`. */
static size_t
replace_bytes(uint8 *data, size_t size, size_t at, size_t removed,
			  const uint8 *with, size_t length)
{
	if (size - removed + length > MAX_LENGTH)
		return size;
	memmove(data + at + length, data + at + removed, size - at - removed);
	memcpy(data + at, with, length);
	return size - removed + length;
}

static size_t
mutate_once(uint8 *data, size_t size)
{
	static uint8 piece[MAX_LENGTH];
	const Input *other = &inputs[next_random(ninputs)];
	size_t		at = next_random((uint32) size + 1);
	size_t		rest = size - at;
	size_t		length = next_random(64);
	uint8		byte = (uint8) next_random(256);

	length = Min(rest, length);
	switch (next_random(8))
	{
		case 0:					/* change a byte */
			return replace_bytes(data, size, at, Min(rest, 1), &byte, 1);
		case 1:					/* flip a bit */
			if (rest > 0)
				data[at] ^= (uint8) (1 << next_random(8));
			return size;
		case 2:					/* remove some bytes */
			return replace_bytes(data, size, at, length, &byte, 0);
		case 3:					/* repeat some bytes */
			memcpy(piece, data + at, length);
			return replace_bytes(data, size, at, 0, piece, length);
		case 4:					/* cut off */
			return next_random(4) == 0 ? at : size;
		case 5:					/* splice with another input */
			if (other->length == 0)
				return size;
			length = next_random((uint32) other->length);
			return replace_bytes(data, size, at, rest, other->data + length,
								 other->length - length);
		default:				/* insert a word, or put it over others */
			if (ntokens == 0)
				return size;
			other = &tokens[next_random(ntokens)];
			return replace_bytes(data, size, at,
								 next_random(2) ? Min(rest, other->length) : 0,
								 other->data, other->length);
	}
}

static void
run_mutation(void)
{
	static uint8 buffer[MAX_LENGTH];
	const Input *input = &inputs[next_random(ninputs)];
	size_t		size = input->length;

	memcpy(buffer, input->data, size);
	for (uint32 steps = 1 + next_random(5); steps > 0; steps--)
		size = mutate_once(buffer, size);
	run(buffer, size);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	double		begin = now();
	double		seconds;
	int			generated;
	long		mutations = 0;

	if (argc != 6)
		die("usage", "replay NAME SECONDS CORPUS_DIRECTORY DICTIONARY ARTIFACT");
	seconds = atof(argv[2]);
	artifact = argv[5];
	read_corpus(argv[3]);
	read_dictionary(argv[4]);
	__asan_set_death_callback(save_current);
	signal(SIGABRT, on_abort);

	for (int i = 0; i < ninputs; i++)
		run(inputs[i].data, inputs[i].length);
	generated = run_generated();
	while (now() - begin < seconds)
	{
		for (int i = 0; i < 100; i++)
			run_mutation();
		mutations += 100;
	}
	printf("%s: %d files, %d generated inputs, %ld mutations in %.1f s: no failure\n",
		   argv[1], ninputs, generated, mutations, now() - begin);
	return 0;
}
