/*-------------------------------------------------------------------------
 *
 * unit_secret.c
 *	  Unit tests of the secret modules in src/util, printing TAP.
 *
 * Compile from the top of the source tree with
 *
 *	cc -DFRONTEND -std=gnu11 -g -Wall -Wextra -Werror \
 *		-fsanitize=address,undefined -Isrc \
 *		-isystem "$(pg_config --includedir-server)" \
 *		test/fuzz/unit_secret.c test/fuzz/unit_token.c src/util/base64.c \
 *		src/util/secretkey.c src/util/fieldcrypt.c src/util/bcrypt.c \
 *		src/util/hashstate.c src/util/jwk.c src/util/passwordcrypt.c \
 *		src/util/token.c \
 *		-L"$(pg_config --pkglibdir)" -L"$(pg_config --libdir)" \
 *		-lpgcommon -lpgport -lcrypto -lcrypt -o unit_secret
 *
 * The key vectors were computed with Python's int() and uuid.UUID(), the bcrypt
 * vectors with the Python module bcrypt, the digests are those of FIPS 180-4.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/bcrypt.h"
#include "util/fieldcrypt.h"
#include "util/hashstate.h"
#include "util/secretkey.h"
#include "util/token.h"

#include "unit_token.h"

static int	tests = 0;
static int	failures = 0;

static void
ok(bool passed, const char *name)
{
	tests++;
	if (!passed)
		failures++;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", tests, name);
}

static void
to_hex(const unsigned char *bytes, size_t len, char *out)
{
	size_t		i;

	for (i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

/* ---------- secretkey ---------- */

static const struct
{
	const char *text;
	const char *key;
}			key_vectors[] =
{
	/* integers */
	{"255", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"00255", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{" +255\012", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"2_5_5", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"15", "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"},
	{"16", "1010101010101010101010101010101010101010101010101010101010101010"},
	{"4096", "1000100010001000100010001000100010001000100010001000100010001000"},
	{"0", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"-0", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"\302\2407", "0707070707070707070707070707070707070707070707070707070707070707"},
	{"60819670227914197377449333332023941570310823814007397361459893170384762698201",
	"8676b6a4ebedf7ad63f66a3096674aa444f19be744ec3e20e412f26a2899f9d9"},
	{"12345678123456781234567812345678",
	"9bd30997b0ee2e252f73b5ef4e9bd30997b0ee2e252f73b5ef4e9bd30997b0ee"},

	/* not integers, or with an odd number of digits */
	{"256", "3235363235363235363235363235363235363235363235363235363235363235"},
	{"-255", "2d3235352d3235352d3235352d3235352d3235352d3235352d3235352d323535"},
	{"2__5", "325f5f35325f5f35325f5f35325f5f35325f5f35325f5f35325f5f35325f5f35"},
	{"_255", "5f3235355f3235355f3235355f3235355f3235355f3235355f3235355f323535"},
	{"255_", "3235355f3235355f3235355f3235355f3235355f3235355f3235355f3235355f"},
	{"\0347", "1c371c371c371c371c371c371c371c371c371c371c371c371c371c371c371c37"},

	/* UUIDs */
	{"00000000-0000-0000-0000-0000000000ff",
	"000000000000000000000000000000ff000000000000000000000000000000ff"},
	{"urn:uuid:{12345678-1234-5678-1234-567812345678}",
	"1234567812345678123456781234567812345678123456781234567812345678"},
	{"uuurn:id:12345678123456781234567812345abc",
	"12345678123456781234567812345abc12345678123456781234567812345abc"},
	{"1234567812345678123456781234567A",
	"1234567812345678123456781234567a1234567812345678123456781234567a"},
	{"0x1234567890abcdef1234567890abcd",
	"001234567890abcdef1234567890abcd001234567890abcdef1234567890abcd"},
	{"1_345678-1234-5678-1234-56781234567a",
	"0134567812345678123456781234567a0134567812345678123456781234567a"},

	/* almost UUIDs */
	{"1__45678-1234-5678-1234-56781234567a",
	"315f5f34353637382d313233342d353637382d313233342d3536373831323334"},
	{"-234567890abcdef1234567890abcdef",
	"2d32333435363738393061626364656631323334353637383930616263646566"},

	/* characters */
	{"somesecretkey", "736f6d657365637265746b6579736f6d657365637265746b6579736f6d657365"},
	{"\303\251\303\277", "e9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ffe9ff"},
	{"   ", "2020202020202020202020202020202020202020202020202020202020202020"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"6161616161616161616161616161616161616161616161616161616161616161"}
};

static bool
key_is(const char *text, size_t len, const char *hex)
{
	unsigned char key[QUAY_SECRETKEY_LEN];
	char		got[2 * QUAY_SECRETKEY_LEN + 1];

	if (quay_secretkey_derive(text, len, key) != QUAY_SECRETKEY_OK)
		return false;
	to_hex(key, sizeof(key), got);
	return strcmp(got, hex) == 0;
}

static void
test_secretkey(void)
{
	unsigned char key[QUAY_SECRETKEY_LEN];
	char		digits[QUAY_SECRETKEY_MAX_INT_DIGITS + 1];
	char		name[200];
	size_t		i;

	for (i = 0; i < lengthof(key_vectors); i++)
	{
		snprintf(name, sizeof(name), "key vector %zu", i);
		ok(key_is(key_vectors[i].text, strlen(key_vectors[i].text), key_vectors[i].key), name);
	}

	memset(digits, '9', sizeof(digits));
	ok(key_is(digits, QUAY_SECRETKEY_MAX_INT_DIGITS,
			  "1392bd7c2a1aa84a72e2056d3b17f01cb08800b8238bf7ce68df91012d37248b"),
	   "longest integer");
	ok(key_is(digits, QUAY_SECRETKEY_MAX_INT_DIGITS + 1,
			  "3939393939393939393939393939393939393939393939393939393939393939"),
	   "one digit more is text");

	ok(quay_secretkey_derive("", 0, key) == QUAY_SECRETKEY_EMPTY, "empty key");
	ok(quay_secretkey_derive("\304\200", 2, key) == QUAY_SECRETKEY_CHARACTER, "U+0100");
	ok(quay_secretkey_derive("\343\200\2007", 4, key) == QUAY_SECRETKEY_CHARACTER, "U+3000");
	ok(quay_secretkey_derive("a\377", 2, key) == QUAY_SECRETKEY_ENCODING, "not UTF-8");
	ok(quay_secretkey_derive("a\303", 2, key) == QUAY_SECRETKEY_ENCODING, "cut UTF-8");
	ok(quay_secretkey_derive("\300\200", 2, key) == QUAY_SECRETKEY_ENCODING, "overlong UTF-8");
}

/* ---------- fieldcrypt ---------- */

static const struct
{
	const char *key_text;
	const char *plain;
	const char *stored;
}			field_vectors[] =
{
	{"test1234", "", "v0$$iE+87Qefu/2i+5zC87nlUtOskypk8MUUDS/QZPs="},
	{"test1234", "hello world",
	"v0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA=="},
	{"\001\002\003\004\005\006", "hello world, again",
	"v0$$2wwWX8IhUYzuh4cyMgSXF3MEVDlEhrf0CNimTghlHgCuK6E4+bLJb1xJOKxsXMs="},
	{"anothercrazykey!", "SOMETOKEN",
	"v0$$AAECAwQFBgcICQoLDEaOHeyg9oW8w46uqn3D/dfWdQ/tsVLlIOw="}
};

static bool
decrypts_to(const unsigned char *key, const char *stored, size_t stored_len,
			const char *plain, size_t plain_len)
{
	char	   *out = malloc(QUAY_FIELDCRYPT_PLAIN_ROOM(stored_len));
	size_t		len;
	bool		same;

	same = quay_fieldcrypt_decrypt(key, stored, stored_len, out, &len) &&
		len == plain_len && memcmp(out, plain, len) == 0;
	free(out);
	return same;
}

/* Decryption must fail and leave nothing behind. */
static bool
refuses(const unsigned char *key, const char *stored, size_t stored_len)
{
	size_t		room = QUAY_FIELDCRYPT_PLAIN_ROOM(stored_len);
	char	   *out = malloc(room);
	size_t		len = 1;
	size_t		i;
	bool		refused;

	refused = !quay_fieldcrypt_decrypt(key, stored, stored_len, out, &len) && len == 0;
	for (i = 0; i < room; i++)
		refused = refused && out[i] == 0;
	free(out);
	return refused;
}

static void
test_field_vectors(void)
{
	unsigned char key[QUAY_SECRETKEY_LEN];
	unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN];
	char		out[100];
	char		name[100];
	size_t		i;

	for (i = 0; i < lengthof(field_vectors); i++)
	{
		const char *stored = field_vectors[i].stored;
		const char *plain = field_vectors[i].plain;
		bool		matches;

		quay_secretkey_derive(field_vectors[i].key_text, strlen(field_vectors[i].key_text), key);
		snprintf(name, sizeof(name), "field vector %zu", i);
		ok(decrypts_to(key, stored, strlen(stored), plain, strlen(plain)), name);
		ok(quay_fieldcrypt_matches(key, stored, strlen(stored), plain, strlen(plain), &matches) &&
		   matches, "... matches");
		ok(quay_fieldcrypt_matches(key, stored, strlen(stored), "other", 5, &matches) &&
		   !matches, "... does not match another secret");
		key[0] ^= 1;
		ok(refuses(key, stored, strlen(stored)), "... is refused with another key");
		ok(!quay_fieldcrypt_matches(key, stored, strlen(stored), plain, strlen(plain), &matches) &&
		   !matches, "... does not match with another key");
	}

	for (i = 0; i < sizeof(nonce); i++)
		nonce[i] = (unsigned char) i;
	quay_secretkey_derive("anothercrazykey!", 16, key);
	ok(quay_fieldcrypt_encrypt(key, nonce, "SOMETOKEN", 9, 255, out) == QUAY_FIELD_OK &&
	   strcmp(out, field_vectors[3].stored) == 0, "encryption with a fixed nonce");
}

static bool
round_trip(const unsigned char *key, const char *plain, size_t len)
{
	unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN];
	size_t		stored_len = QUAY_FIELDCRYPT_STORED_LEN(len);
	char	   *stored = malloc(stored_len + 1);
	bool		same;

	same = pg_strong_random(nonce, sizeof(nonce)) &&
		quay_fieldcrypt_encrypt(key, nonce, plain, len, 0, stored) == QUAY_FIELD_OK &&
		strlen(stored) == stored_len &&
		decrypts_to(key, stored, stored_len, plain, len);
	free(stored);
	return same;
}

static void
test_field_limits(void)
{
	static char big[QUAY_FIELDCRYPT_MAX_PLAIN + 1];
	static char out[QUAY_FIELDCRYPT_MAX_STORED + 1];
	static const char emoji[] = "\360\237\230\207\360\237\244\224";
	unsigned char key[QUAY_SECRETKEY_LEN];
	unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN] = {0};
	bool		all = true;
	size_t		len;

	quay_secretkey_derive("somesecretkey", 13, key);
	memset(big, 'x', sizeof(big));
	for (len = 0; len <= 300; len++)
		all = all && round_trip(key, big, len);
	ok(all, "round trip of 0 to 300 bytes");
	ok(round_trip(key, emoji, sizeof(emoji) - 1), "round trip of emoji");
	ok(round_trip(key, big, QUAY_FIELDCRYPT_MAX_PLAIN), "round trip of 65535 bytes");
	ok(quay_fieldcrypt_encrypt(key, nonce, big, sizeof(big), 0, out) == QUAY_FIELD_TOO_LONG,
	   "65536 bytes are too many");
	ok(quay_fieldcrypt_encrypt(key, nonce, big, 157, 255, out) == QUAY_FIELD_OK &&
	   quay_fieldcrypt_encrypt(key, nonce, big, 158, 255, out) == QUAY_FIELD_TOO_LONG,
	   "a column of 255 characters holds 157 bytes");
	ok(QUAY_FIELDCRYPT_STORED_LEN(32) == 88 && QUAY_FIELDCRYPT_STORED_LEN(40) == 96 &&
	   QUAY_FIELDCRYPT_STORED_LEN(60) == 124 && QUAY_FIELDCRYPT_STORED_LEN(64) == 128,
	   "stored lengths");
}

static void
test_field_damage(void)
{
	static const char *const malformed[] = {
		"", "v", "v0", "v0$", "v0$$", "v0$$=", "v0$$====", "v0$$AA==", "v0$$AAAA",
		"v1$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==",
		"V0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==",
		"$$v0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==",
		"XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==",
		"v0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA=",
		"v0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA",
		"v0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==\n",
		" v0$$XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==",
		"v0$$    XTxqlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA==",
		"v0$$XTxqlz/Kw8s9WKw-GaSvXFEKgpO_a2cGNhvnozzkaUh4C-FgHqZqnA==",
		"v0$$XT=qlz/Kw8s9WKw+GaSvXFEKgpO/a2cGNhvnozzkaUh4C+FgHqZqnA=="
	};
	const char *good = field_vectors[1].stored;
	unsigned char key[QUAY_SECRETKEY_LEN];
	char		copy[100];
	bool		all = true;
	size_t		i;

	quay_secretkey_derive("test1234", 8, key);
	for (i = 0; i < lengthof(malformed); i++)
		all = all && refuses(key, malformed[i], strlen(malformed[i]));
	ok(all, "malformed fields are refused");

	all = true;
	for (i = 0; i < strlen(good) - 3; i++)
	{
		strcpy(copy, good);
		copy[i] = (copy[i] == 'A') ? 'B' : 'A';
		all = all && refuses(key, copy, strlen(copy));
	}
	ok(all, "a change of any character is refused");

	all = true;
	for (i = 0; i < strlen(good); i++)
		all = all && refuses(key, good, i);
	ok(all, "each shorter field is refused");
}

static void
test_equal(void)
{
	ok(quay_fieldcrypt_equal("", 0, "", 0), "empty secrets are equal");
	ok(quay_fieldcrypt_equal("abc", 3, "abc", 3), "same secrets are equal");
	ok(!quay_fieldcrypt_equal("abc", 3, "abd", 3), "different secrets are not");
	ok(!quay_fieldcrypt_equal("abc", 3, "ab", 2), "longer is not equal");
	ok(!quay_fieldcrypt_equal("ab", 2, "abc", 3), "shorter is not equal");
	ok(!quay_fieldcrypt_equal("", 0, "abc", 3), "empty is not equal");
}

/* ---------- bcrypt ---------- */

static const struct
{
	const char *secret;
	const char *hash;
}			bcrypt_vectors[] =
{
	{"U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
	{"U*U*U", "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
	{"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
	{"p\303\244ssw\303\266rd \342\234\223",
	"$2y$04$abcdefghijklmnopqrstuuESmz2KlYgnhSMqAh8U2JHaWhc4kF.6a"},
	{"password", "$2b$12$abcdefghijklmnopqrstuutwZ1IOTtu3SsEBT5lI/LFncP31tIybm"},
	{"\377\377\243", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
	/* where libxcrypt's own "$2a$" differs from the others */
	{"\377\243" "34\377\377\377\243" "345",
	"$2a$05$/OK.fbVrR/bpIqNJ5ianF.o./n25XVfn6oAPaUvHe.Csk4zRfsYPi"},
	{"\377\243" "34\377\377\377\243" "345",
	"$2b$05$/OK.fbVrR/bpIqNJ5ianF.o./n25XVfn6oAPaUvHe.Csk4zRfsYPi"},
	{"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789chars after 72 are ignored",
	"$2b$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"}
};

static bool
bcrypt_matches(const char *secret, const char *hash)
{
	bool		matches = false;

	return quay_bcrypt_verify(secret, strlen(secret), hash, strlen(hash),
							  &matches) == QUAY_BCRYPT_OK && matches;
}

static bool
bcrypt_refuses(const char *secret, size_t secret_len, const char *hash, size_t hash_len)
{
	bool		matches = true;

	return quay_bcrypt_verify(secret, secret_len, hash, hash_len,
							  &matches) == QUAY_BCRYPT_OK && !matches;
}

static void
test_bcrypt_verify(void)
{
	char		name[100];
	char		copy[QUAY_BCRYPT_HASH_LEN + 1];
	const char *good = bcrypt_vectors[0].hash;
	int			cost = 0;
	size_t		i;

	for (i = 0; i < lengthof(bcrypt_vectors); i++)
	{
		snprintf(name, sizeof(name), "bcrypt vector %zu", i);
		ok(bcrypt_matches(bcrypt_vectors[i].secret, bcrypt_vectors[i].hash), name);
		ok(bcrypt_refuses("wrong", 5, bcrypt_vectors[i].hash, QUAY_BCRYPT_HASH_LEN),
		   "... refuses another secret");
	}

	ok(quay_bcrypt_is_hash(bcrypt_vectors[4].hash, 60, &cost) && cost == 12, "cost of a hash");
	strcpy(copy, good);
	copy[59] = (copy[59] == 'a') ? 'b' : 'a';
	ok(bcrypt_refuses("U*U", 3, copy, 60), "last character changed");

	/* the salt's last character has spare bits, which must be zero */
	strcpy(copy, good);
	ok(copy[28] == '.', "salt ends in spare bits");
	copy[28] = '/';
	ok(bcrypt_refuses("U*U", 3, copy, 60), "spare bits of the salt set");
}

static void
test_bcrypt_malformed(void)
{
	static const char *const malformed[] = {
		"", "$", "$2b$", "*0", "x", "plain password",
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW ",
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2$005$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$0x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO=W",
		"$2b$05$CCCCCCCCCCCCCCCC*CCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	};
	bool		all = true;
	size_t		i;

	for (i = 0; i < lengthof(malformed); i++)
		all = all && !quay_bcrypt_is_hash(malformed[i], strlen(malformed[i]), NULL);
	ok(all, "malformed hashes are known as such");
	ok(!quay_bcrypt_is_hash("$2b$05$CCCCCCCCCCCCCCCCCCCCC\0E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 60, NULL),
	   "a hash with a zero byte is malformed");
	ok(bcrypt_refuses("U*U", 3, malformed[6], strlen(malformed[6])),
	   "a malformed hash is no match");
}

static void
test_bcrypt_hash(void)
{
	unsigned char salt[QUAY_BCRYPT_SALT_LEN] = {0};
	char		hash[QUAY_BCRYPT_HASH_LEN + 1];
	char		hash72[QUAY_BCRYPT_HASH_LEN + 1];
	char		long_secret[200];
	bool		matches;

	ok(quay_bcrypt_hash("secret", 6, 4, salt, hash) == QUAY_BCRYPT_OK &&
	   strncmp(hash, "$2b$04$......................", 29) == 0 &&
	   strlen(hash) == QUAY_BCRYPT_HASH_LEN, "form of a hash");
	ok(bcrypt_matches("secret", hash), "a hash verifies");
	ok(quay_bcrypt_hash("secret", 6, 3, salt, hash) == QUAY_BCRYPT_BAD_COST &&
	   quay_bcrypt_hash("secret", 6, 21, salt, hash) == QUAY_BCRYPT_BAD_COST &&
	   quay_bcrypt_hash("secret", 6, -1, salt, hash) == QUAY_BCRYPT_BAD_COST,
	   "costs out of range");
	ok(quay_bcrypt_hash("a\0b", 3, 4, salt, hash) == QUAY_BCRYPT_NUL_BYTE, "zero byte in hash");

	memset(long_secret, 'x', sizeof(long_secret));
	ok(quay_bcrypt_hash(long_secret, 72, 4, salt, hash72) == QUAY_BCRYPT_OK &&
	   quay_bcrypt_hash(long_secret, 200, 4, salt, hash) == QUAY_BCRYPT_OK &&
	   strcmp(hash, hash72) == 0, "72 bytes count");
	ok(quay_bcrypt_hash(long_secret, 71, 4, salt, hash) == QUAY_BCRYPT_OK &&
	   strcmp(hash, hash72) != 0, "the 72nd byte counts");
	long_secret[150] = '\0';
	ok(quay_bcrypt_verify(long_secret, 200, hash72, 60, &matches) == QUAY_BCRYPT_NUL_BYTE &&
	   !matches, "zero byte in verify, even beyond 72");
	ok(quay_bcrypt_verify_dummy("secret", 6, 4) == QUAY_BCRYPT_OK, "dummy work");
	ok(quay_bcrypt_verify_dummy("secret", 6, 99) == QUAY_BCRYPT_BAD_COST, "dummy cost");
	ok(quay_bcrypt_verify_dummy("a\0b", 3, 4) == QUAY_BCRYPT_NUL_BYTE, "dummy zero byte");
}

/* ---------- hashstate ---------- */

static const struct
{
	QuayHashAlgorithm algorithm;
	const char *message;
	const char *digest;
}			digest_vectors[] =
{
	{QUAY_HASH_SHA256, "",
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{QUAY_HASH_SHA256, "abc",
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{QUAY_HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	"sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{QUAY_HASH_SHA512, "",
		"sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
	{QUAY_HASH_SHA512, "abc",
		"sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}
};

/*
 * Hash a message in two parts, with the state passing through its text.
 */
static bool
split_gives(QuayHashAlgorithm algorithm, const char *message, size_t len, size_t split,
			const char *expected)
{
	QuayHashState first;
	QuayHashState second;
	char		text[QUAY_HASHSTATE_TEXT_ROOM];
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	quay_hashstate_init(&first, algorithm);
	if (!quay_hashstate_append(&first, message, split))
		return false;
	quay_hashstate_export(&first, text);
	if (!quay_hashstate_import(&second, text, strlen(text)) ||
		!quay_hashstate_append(&second, message + split, len - split))
		return false;
	quay_hashstate_digest(&second, digest);
	return strcmp(digest, expected) == 0;
}

/*
 * Hash a message in parts of equal length, each through the text.
 */
static bool
steps_give(QuayHashAlgorithm algorithm, const char *message, size_t len, size_t step,
		   const char *expected)
{
	QuayHashState state;
	char		text[QUAY_HASHSTATE_TEXT_ROOM];
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];
	size_t		done;

	quay_hashstate_init(&state, algorithm);
	for (done = 0; done < len; done += Min(step, len - done))
	{
		if (!quay_hashstate_append(&state, message + done, Min(step, len - done)))
			return false;
		quay_hashstate_export(&state, text);
		if (!quay_hashstate_import(&state, text, strlen(text)))
			return false;
	}
	quay_hashstate_digest(&state, digest);
	return strcmp(digest, expected) == 0;
}

static void
test_hash_splits(QuayHashAlgorithm algorithm, const char *name)
{
	char		message[4 * QUAY_HASHSTATE_MAX_BLOCK + 7];
	char		expected[QUAY_HASHSTATE_DIGEST_ROOM];
	char		title[100];
	bool		all = true;
	size_t		i;

	for (i = 0; i < sizeof(message); i++)
		message[i] = (char) (i * 37 + 11);
	quay_hashstate_digest_of(algorithm, message, sizeof(message), expected);

	for (i = 0; i <= sizeof(message); i++)
		all = all && split_gives(algorithm, message, sizeof(message), i, expected);
	snprintf(title, sizeof(title), "%s split at each byte", name);
	ok(all, title);

	all = true;
	for (i = 1; i <= sizeof(message); i++)
		all = all && steps_give(algorithm, message, sizeof(message), i, expected);
	snprintf(title, sizeof(title), "%s in steps of each length", name);
	ok(all, title);
}

static void
test_hash_digests(void)
{
	QuayHashAlgorithm algorithm;
	QuayHashState state;
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];
	char		name[100];
	char		chunk[1000];
	size_t		i;

	for (i = 0; i < lengthof(digest_vectors); i++)
	{
		size_t		len = strlen(digest_vectors[i].message);

		quay_hashstate_digest_of(digest_vectors[i].algorithm, digest_vectors[i].message,
								 len, digest);
		snprintf(name, sizeof(name), "digest vector %zu", i);
		ok(strcmp(digest, digest_vectors[i].digest) == 0 &&
		   split_gives(digest_vectors[i].algorithm, digest_vectors[i].message, len, len / 2,
					   digest_vectors[i].digest), name);
	}

	memset(chunk, 'a', sizeof(chunk));
	quay_hashstate_init(&state, QUAY_HASH_SHA256);
	for (i = 0; i < 1000; i++)
		quay_hashstate_append(&state, chunk, sizeof(chunk));
	quay_hashstate_digest(&state, digest);
	ok(strcmp(digest, "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0,
	   "a million letters");

	ok(quay_hashstate_algorithm("sha256", 6, &algorithm) && algorithm == QUAY_HASH_SHA256 &&
	   quay_hashstate_algorithm("sha512", 6, &algorithm) && algorithm == QUAY_HASH_SHA512,
	   "algorithms");
	ok(!quay_hashstate_algorithm("sha25", 5, &algorithm) &&
	   !quay_hashstate_algorithm("SHA256", 6, &algorithm) &&
	   !quay_hashstate_algorithm("md5", 3, &algorithm) &&
	   !quay_hashstate_algorithm("", 0, &algorithm), "other algorithms");
}

static void
test_hash_limits(void)
{
	QuayHashState state;
	char		text[QUAY_HASHSTATE_TEXT_ROOM];
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	/* a message of 2^32 + 5 bytes, whose bit count needs both halves */
	quay_hashstate_init(&state, QUAY_HASH_SHA256);
	quay_hashstate_append(&state, "hello", 5);
	state.length += UINT64CONST(1) << 32;
	quay_hashstate_export(&state, text);
	ok(quay_hashstate_import(&state, text, strlen(text)) &&
	   state.length == (UINT64CONST(1) << 32) + 5, "length beyond 32 bits");
	quay_hashstate_digest(&state, digest);
	ok(strcmp(digest, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824") != 0,
	   "length enters the digest");

	state.length = QUAY_HASHSTATE_MAX_MESSAGE - 1;
	ok(!quay_hashstate_append(&state, "ab", 2) &&
	   state.length == QUAY_HASHSTATE_MAX_MESSAGE - 1, "message too long");
	ok(quay_hashstate_append(&state, "a", 1), "longest message");
}

static bool
imports(const char *text, size_t len)
{
	QuayHashState state;

	return quay_hashstate_import(&state, text, len);
}

/*
 * Damage a state's text in each way that we can think of.
 */
static void
test_hash_corruption(QuayHashAlgorithm algorithm, const char *message, const char *title)
{
	QuayHashState state;
	char		text[QUAY_HASHSTATE_TEXT_ROOM];
	char		copy[2 * QUAY_HASHSTATE_TEXT_ROOM];
	size_t		len;
	size_t		i;
	int			c;
	bool		refused = true;

	quay_hashstate_init(&state, algorithm);
	quay_hashstate_append(&state, message, strlen(message));
	quay_hashstate_export(&state, text);
	len = strlen(text);

	for (i = 0; i < len; i++)
	{
		refused = refused && !imports(text, i);
		for (c = 0; c < 256; c++)
		{
			memcpy(copy, text, len);
			copy[i] = (char) c;
			refused = refused && imports(copy, len) == ((char) c == text[i]);
		}
	}
	for (i = 1; i < 300; i++)
	{
		memcpy(copy, text, len);
		memset(copy + len, i % 2 ? 'A' : ' ', i);
		refused = refused && !imports(copy, len + i);
	}
	memcpy(copy + 1, text, len);
	copy[0] = ' ';
	refused = refused && !imports(copy, len + 1);
	ok(imports(text, len) && refused, title);
}

static void
test_hash_semantics(void)
{
	QuayHashState state;
	char		text[QUAY_HASHSTATE_TEXT_ROOM];

	/* texts with a valid check, but of states that cannot be */
	quay_hashstate_init(&state, QUAY_HASH_SHA256);
	state.words[3]++;
	quay_hashstate_export(&state, text);
	ok(!imports(text, strlen(text)), "other initial words");
	quay_hashstate_init(&state, QUAY_HASH_SHA256);
	state.length = QUAY_HASHSTATE_MAX_MESSAGE + 1;
	quay_hashstate_export(&state, text);
	ok(!imports(text, strlen(text)), "impossible length");
	ok(!imports("", 0) && !imports("q1:sha256:", 10) && !imports("q2:sha256:AAAA", 14) &&
	   !imports("q1:sha256:====", 14), "hardly anything");
}

/* ---------- token ---------- */

static bool
failing_source(void *buf, size_t len)
{
	memset(buf, 0, len);
	return false;
}

static bool
useless_source(void *buf, size_t len)
{
	memset(buf, 0xFF, len);
	return true;
}

/* Each byte value in turn. */
static bool
counting_source(void *buf, size_t len)
{
	static unsigned char next = 0;
	size_t		i;

	for (i = 0; i < len; i++)
		((unsigned char *) buf)[i] = next++;
	return true;
}

/*
 * With each byte value equally often, each character must come equally often.
 */
static bool
is_even(QuayTokenAlphabet alphabet, int nchars, int per_character)
{
	static char token[256 * 10 + 1];
	int			counts[256] = {0};
	int			len = nchars * per_character * 4;
	int			seen = 0;
	int			i;

	if (!quay_token_generate(token, len, alphabet, counting_source))
		return false;
	for (i = 0; i < len; i++)
		counts[(unsigned char) token[i]]++;
	for (i = 0; i < 256; i++)
	{
		if (counts[i] == 0)
			continue;
		seen++;
		if (counts[i] != 4 * per_character)
			return false;
	}
	return seen == nchars;
}

static void
test_token(void)
{
	char		a[65];
	char		b[65];

	ok(quay_token_generate(a, 64, QUAY_TOKEN_UPPER, NULL) && strlen(a) == 64 &&
	   strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == 64, "upper-case token");
	ok(quay_token_generate(b, 64, QUAY_TOKEN_UPPER, NULL) && strcmp(a, b) != 0,
	   "two tokens differ");
	ok(quay_token_generate(a, 64, QUAY_TOKEN_ASCII, NULL) && strlen(a) == 64 &&
	   strspn(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == 64,
	   "mixed token");
	ok(quay_token_generate(a, 0, QUAY_TOKEN_ASCII, NULL) && a[0] == '\0', "empty token");
	ok(!quay_token_generate(a, 64, QUAY_TOKEN_UPPER, failing_source) && a[0] == '\0',
	   "failing source");
	ok(!quay_token_generate(a, 64, QUAY_TOKEN_UPPER, useless_source) && a[0] == '\0',
	   "useless source");
	ok(is_even(QUAY_TOKEN_UPPER, 36, 7), "36 characters without bias");
	ok(is_even(QUAY_TOKEN_ASCII, 62, 4), "62 characters without bias");
}

int
main(void)
{
	test_secretkey();
	test_field_vectors();
	test_field_limits();
	test_field_damage();
	test_equal();
	test_bcrypt_verify();
	test_bcrypt_malformed();
	test_bcrypt_hash();
	test_hash_digests();
	test_hash_splits(QUAY_HASH_SHA256, "sha256");
	test_hash_splits(QUAY_HASH_SHA512, "sha512");
	test_hash_limits();
	test_hash_corruption(QUAY_HASH_SHA256, "", "damaged sha256 states, no data");
	test_hash_corruption(QUAY_HASH_SHA256, "hello world", "damaged sha256 states, 11 bytes");
	test_hash_corruption(QUAY_HASH_SHA512, "ab", "damaged sha512 states, 2 bytes");
	test_hash_corruption(QUAY_HASH_SHA512, bcrypt_vectors[8].secret,
						 "damaged sha512 states, a long partial block");
	test_hash_semantics();
	test_token();
	unit_token(ok);

	printf("1..%d\n", tests);
	return failures == 0 ? 0 : 1;
}
