/*-------------------------------------------------------------------------
 *
 * unit.c
 *	  Unit tests of the parsers, with TAP output.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "arena.h"
#include "unit.h"

static int	tests = 0;
static int	failures = 0;

void
unit_ok(bool passed, const char *name)
{
	tests++;
	if (!passed)
		failures++;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", tests, name);
}

void
unit_is_int(int64 got, int64 expected, const char *name)
{
	unit_ok(got == expected, name);
	if (got != expected)
		printf("# got " INT64_FORMAT ", expected " INT64_FORMAT "\n", got, expected);
}

void
unit_is_text(const char *got, const char *expected, const char *name)
{
	bool		same = (got == NULL || expected == NULL) ? got == expected :
		strcmp(got, expected) == 0;

	unit_ok(same, name);
	if (!same)
		printf("# got      %s\n# expected %s\n", got ? got : "(null)",
			   expected ? expected : "(null)");
}

char *
unit_repeat(char c, int count)
{
	char	   *s = palloc(count + 1);

	memset(s, c, count);
	s[count] = '\0';
	return s;
}

int
main(void)
{
	unit_names();
	arena_reset();
	unit_manifest();
	arena_reset();
	unit_config();
	arena_reset();
	unit_schema1();
	arena_reset();
	printf("1..%d\n", tests);
	if (failures > 0)
		printf("# %d of %d tests failed\n", failures, tests);
	return failures > 0 ? 1 : 0;
}
