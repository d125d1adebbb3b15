/* A small reader of JSON. Objects keep their members in order; numbers are doubles. */
#include "hw_host.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64

struct hw_json {
    hw_json_kind kind;
    bool boolean;
    double number;
    hw_str text, source;
    hw_json *items; /* of lists and objects */
    hw_str *names;  /* of objects */
    size_t len;
};

typedef struct {
    const char *at, *end;
} reader;

static void skip(reader *from) {
    while (from->at < from->end && strchr(" \t\r\n", *from->at) && *from->at) from->at++;
}

static bool take(reader *from, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(from->end - from->at) < len || memcmp(from->at, word, len)) return false;
    from->at += len;
    return true;
}

static bool hex(reader *from, uint32_t *value) {
    if (from->end - from->at < 4) return false;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *from->at++;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return false;
        *value = *value * 16 + (uint32_t)digit;
    }
    return true;
}

static char *utf8(char *to, uint32_t c) {
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

static bool string(reader *from, hw_str *text) {
    if (!take(from, "\"")) return false;
    const char *close = from->at;
    while (close < from->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= from->end) return false;
    /* No escape is shorter than what it stands for. */
    char *start = hw_alloc((size_t)(close - from->at) + 1), *to = start;
    while (from->at < close) {
        char c = *from->at++;
        if ((unsigned char)c < 0x20) return false;
        if (c != '\\') {
            *to++ = c;
            continue;
        }
        static const char from_escape[] = "\"\\/bfnrt", to_escape[] = "\"\\/\b\f\n\r\t";
        char escape = *from->at++;
        const char *simple = escape ? strchr(from_escape, escape) : NULL;
        if (simple) {
            *to++ = to_escape[simple - from_escape];
            continue;
        }
        uint32_t high, low;
        if (escape != 'u' || !hex(from, &high)) return false;
        if (high >= 0xd800 && high < 0xdc00) {
            if (!take(from, "\\u") || !hex(from, &low) || low < 0xdc00 || low > 0xdfff) return false;
            high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        } else if (high >= 0xdc00 && high < 0xe000) {
            return false;
        }
        to = utf8(to, high);
    }
    from->at++;
    *text = (hw_str){start, (size_t)(to - start)};
    return true;
}

static bool value(reader *from, hw_json *to, int depth);

static bool items(reader *from, hw_json *to, int depth) {
    bool object = to->kind == HW_JSON_OBJECT;
    const char *close = object ? "}" : "]";
    size_t capacity = 0, names = 0;
    skip(from);
    if (take(from, close)) return true;
    do {
        hw_str name = HW_NONE;
        skip(from);
        if (object) {
            if (!string(from, &name)) return false;
            skip(from);
            if (!take(from, ":")) return false;
        }
        to->items = hw_grow(to->items, to->len, &capacity, sizeof *to->items);
        to->names = hw_grow(to->names, to->len, &names, sizeof *to->names);
        to->names[to->len] = name;
        if (!value(from, &to->items[to->len], depth)) return false;
        to->len++;
        skip(from);
    } while (take(from, ","));
    return take(from, close);
}

static bool number(reader *from, hw_json *to) {
    const char *start = from->at;
    while (from->at < from->end && *from->at && strchr("+-.0123456789eE", *from->at)) from->at++;
    char *end;
    hw_str text = hw_copy(start, (size_t)(from->at - start));
    to->number = strtod(text.data, &end);
    return text.len && *text.data != '+' && *text.data != '.' && !*end;
}

static bool any(reader *from, hw_json *to, int depth) {
    *to = (hw_json){.kind = HW_JSON_NULL};
    if (take(from, "null")) return true;
    if (take(from, "true") || take(from, "false")) {
        to->kind = HW_JSON_BOOLEAN;
        to->boolean = from->at[-2] == 'u';
        return true;
    }
    if (take(from, "{") || take(from, "[")) {
        to->kind = from->at[-1] == '{' ? HW_JSON_OBJECT : HW_JSON_LIST;
        return items(from, to, depth + 1);
    }
    if (from->at < from->end && *from->at == '"') {
        to->kind = HW_JSON_TEXT;
        return string(from, &to->text);
    }
    to->kind = HW_JSON_NUMBER;
    return number(from, to);
}

static bool value(reader *from, hw_json *to, int depth) {
    if (depth > MAX_DEPTH) return false;
    skip(from);
    const char *start = from->at;
    bool done = any(from, to, depth);
    to->source = (hw_str){start, (size_t)(from->at - start)};
    return done;
}

const hw_json *hw_json_parse(hw_str text) {
    reader from = {text.data, text.data + text.len};
    hw_json *made = hw_alloc(sizeof *made);
    if (!value(&from, made, 0)) return NULL;
    skip(&from);
    return from.at == from.end ? made : NULL;
}

hw_json_kind hw_json_kind_of(const hw_json *json) { return json ? json->kind : HW_JSON_NULL; }

size_t hw_json_len(const hw_json *json) { return json ? json->len : 0; }

const hw_json *hw_json_item(const hw_json *json, size_t index) { return index < hw_json_len(json) ? &json->items[index] : NULL; }

hw_str hw_json_name(const hw_json *json, size_t index) {
    return hw_json_kind_of(json) == HW_JSON_OBJECT && index < json->len ? json->names[index] : HW_NONE;
}

const hw_json *hw_json_member(const hw_json *json, const char *name) {
    for (size_t i = 0; hw_json_kind_of(json) == HW_JSON_OBJECT && i < json->len; i++)
        if (hw_equal(json->names[i], name)) return &json->items[i];
    return NULL;
}

hw_str hw_json_text(const hw_json *json) { return hw_json_kind_of(json) == HW_JSON_TEXT ? json->text : HW_NONE; }

double hw_json_number(const hw_json *json, double otherwise) {
    return hw_json_kind_of(json) == HW_JSON_NUMBER ? json->number : otherwise;
}

bool hw_json_is(const hw_json *json, bool otherwise) {
    return hw_json_kind_of(json) == HW_JSON_BOOLEAN ? json->boolean : otherwise;
}

hw_str hw_json_source(const hw_json *json) { return json ? json->source : HW_NONE; }

hw_str hw_json_quote(hw_str text) {
    static const char digits[] = "0123456789abcdef";
    char *start = hw_alloc(text.len * 6 + 3), *to = start;
    *to++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (c < 0x20) {
            memcpy(to, "\\u00", 4);
            to += 4;
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        } else {
            *to++ = (char)c;
        }
    }
    *to++ = '"';
    return (hw_str){start, (size_t)(to - start)};
}
