/* Replaces personal data in texts: addresses of mail, numbers of payment cards, addresses of IPv4. */
#include "hw.h"
#include "schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const hw_about hw_plugin = {
    .name = "redact",
    .version = "0.1.0",
    .summary = "Replaces personal data in texts",
    .config_schema = SCHEMA,
};

#define MAX_FIELDS 256

typedef struct {
    bool email, card, ipv4;
    char *fields[MAX_FIELDS];
    size_t field_count;
} redact;

/* Each answers how long what it looks for is at `at`, or 0. `start` and `end` are those of the whole text. */
typedef size_t finder(const char *start, const char *at, const char *end);

static bool is_mail_char(char c) { return isalnum((unsigned char)c) || (c && strchr(".!#$%&'*+/=?^_`{|}~-", c)); }
static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t find_email(const char *start, const char *at, const char *end) {
    if (at > start && is_mail_char(at[-1])) return 0;
    const char *to = at;
    while (to < end && is_mail_char(*to)) to++;
    if (to == at || to == end || *to != '@') return 0;
    const char *host = ++to, *dot = NULL;
    while (to < end && (isalnum((unsigned char)*to) || *to == '-' || *to == '.')) {
        if (*to == '.') dot = to;
        to++;
    }
    /* A point at the end belongs to the sentence. */
    if (dot && dot == to - 1) {
        to = dot;
        dot = memchr(host, '.', (size_t)(to - host));
    }
    return dot && dot > host ? (size_t)(to - at) : 0;
}

/* 13 to 19 digits, perhaps in groups with spaces or hyphens, with the right check digit. */
static size_t find_card(const char *start, const char *at, const char *end) {
    if (!is_digit(*at) || (at > start && (is_word(at[-1]) || at[-1] == '.'))) return 0;
    int digits[19], count = 0;
    const char *to = at, *last = at;
    while (to < end && (is_digit(*to) || ((*to == ' ' || *to == '-') && to + 1 < end && is_digit(to[1])))) {
        if (is_digit(*to)) {
            if (count == 19) return 0;
            digits[count++] = *to - '0';
            last = to + 1;
        }
        to++;
    }
    if (count < 13 || (last < end && is_word(*last))) return 0;
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int digit = digits[count - 1 - i];
        sum += i % 2 ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
    }
    return sum % 10 == 0 ? (size_t)(last - at) : 0;
}

static size_t find_ipv4(const char *start, const char *at, const char *end) {
    if (!is_digit(*at) || (at > start && (is_word(at[-1]) || at[-1] == '.'))) return 0;
    const char *to = at;
    for (int part = 0; part < 4; part++) {
        if (part && (to == end || *to++ != '.')) return 0;
        int number = 0, digits = 0;
        while (to < end && is_digit(*to) && digits < 4) {
            number = number * 10 + (*to++ - '0');
            digits++;
        }
        if (!digits || digits > 3 || number > 255) return 0;
    }
    bool goes_on = to < end && (is_word(*to) || (*to == '.' && to + 1 < end && is_digit(to[1])));
    return goes_on ? 0 : (size_t)(to - at);
}

static hw_str replaced(const redact *self, hw_str text, size_t *found) {
    const struct {
        bool wanted;
        finder *find;
        const char *name;
    } kinds[] = {{self->email, find_email, "[email]"}, {self->card, find_card, "[card]"}, {self->ipv4, find_ipv4, "[ip]"}};
    const char *end = text.data + text.len;
    /* The shortest that is replaced has 5 bytes, the longest mark 7. */
    char *made = hw_alloc(text.len * 2 + 1), *to = made;
    for (const char *at = text.data; at < end;) {
        size_t len = 0;
        for (size_t i = 0; i < 3 && !len; i++) {
            len = kinds[i].wanted ? kinds[i].find(text.data, at, end) : 0;
            if (!len) continue;
            size_t mark = strlen(kinds[i].name);
            memcpy(to, kinds[i].name, mark);
            to += mark;
            ++*found;
        }
        if (len) at += len;
        else *to++ = *at++;
    }
    return (hw_str){made, (size_t)(to - made)};
}

void *hw_open(const hw_json *config, hw_error *error) {
    const hw_json *fields = hw_json_member(config, "fields"), *kinds = hw_json_member(config, "kinds");
    if (hw_json_len(fields) > MAX_FIELDS) return hw_bad_config(error, "fields: at most %d are allowed", MAX_FIELDS);
    redact *self = calloc(1, sizeof *self);
    if (!self) abort();
    self->email = self->card = self->ipv4 = !kinds;
    for (size_t i = 0; i < hw_json_len(kinds); i++) {
        hw_str kind = hw_json_text(hw_json_item(kinds, i));
        if (hw_equal(kind, "email")) self->email = true;
        else if (hw_equal(kind, "card")) self->card = true;
        else if (hw_equal(kind, "ipv4")) self->ipv4 = true;
        else {
            hw_close(self);
            return hw_bad_config(error, "kinds[%zu]: is not one of email, card, ipv4", i);
        }
    }
    for (size_t i = 0; i < hw_json_len(fields); i++) {
        hw_str field = hw_json_text(hw_json_item(fields, i));
        if (!field.data) {
            hw_close(self);
            return hw_bad_config(error, "fields[%zu]: has to be a text", i);
        }
        self->fields[self->field_count++] = hw_keep(field);
    }
    return self;
}

void hw_close(void *closed) {
    redact *self = closed;
    for (size_t i = 0; i < self->field_count; i++) free(self->fields[i]);
    free(self);
}

bool hw_transform(void *given, hw_batch *batch, hw_error *error) {
    (void)error;
    const redact *self = given;
    size_t count, found = 0, len = hw_batch_len(batch);
    const hw_str *names = hw_batch_names(batch, &count);
    for (size_t field = 0; field < (self->field_count ? self->field_count : count); field++) {
        const char *name = self->field_count ? self->fields[field] : names[field].data;
        for (size_t i = 0; i < len; i++) {
            hw_str text = hw_get(batch, i, name);
            size_t before = found;
            hw_str clean = text.len ? replaced(self, text, &found) : text;
            if (found > before) hw_set(batch, i, name, clean);
        }
    }
    if (found) hw_count("redacted_total", found);
    return true;
}
