#include "daemon/migrate/schema_alteration.h"

#include <string.h>

/* A piece of a definition. */
struct part {
    const char *text;
    size_t length;
};

static bool same_part(struct part left, struct part right)
{
    return left.length == right.length && memcmp(left.text, right.text, left.length) == 0;
}

/* ---- enums: 'a', 'it''s', E'a\\b' ---- */

static bool next_value(const char **at, struct part *out_value)
{
    const char *end = strchr(*at, '\'');

    if (!end)
        return false;
    while (*++end != '\'' || end[1] == '\'')
        end += *end == '\'' || *end == '\\'; /* doubled */
    *out_value = (struct part){.text = *at, .length = (size_t)(end + 1 - *at)};
    *at = end + 1 + strspn(end + 1, ", ");
    return true;
}

bool schema_alteration_only_adds_values(const struct schema_object *from,
                                        const struct schema_object *to)
{
    const char *old_values = from->definition;
    const char *new_values = to->definition;
    struct part old_value;
    struct part new_value;

    while (next_value(&old_values, &old_value)) {
        do {
            if (!next_value(&new_values, &new_value))
                return false;
        } while (!same_part(old_value, new_value));
    }
    return true;
}

/* Each new value is added behind the one before it; in front of the first old one where
 * there is none before. */
static void add_values(struct buffer *script, const struct schema_object *from,
                       const struct schema_object *to)
{
    const char *old_values = from->definition;
    const char *new_values = to->definition;
    struct part old_value = {0};
    struct part new_value;
    struct part before = {0};
    const char *separator = "";
    bool is_left = next_value(&old_values, &old_value);

    while (next_value(&new_values, &new_value)) {
        if (is_left && same_part(old_value, new_value)) {
            is_left = next_value(&old_values, &old_value);
        } else {
            struct part neighbour = before.text ? before : old_value;

            buffer_append_format(script, "%salter type %s add value %.*s", separator,
                                 to->identity, (int)new_value.length, new_value.text);
            if (neighbour.text)
                buffer_append_format(script, " %s %.*s", before.text ? "after" : "before",
                                     (int)neighbour.length, neighbour.text);
            separator = ";\n";
        }
        before = new_value;
    }
}

/* ---- composite types: one attribute a line ---- */

static bool next_attribute(const char **at, struct part *out_attribute)
{
    size_t length = strcspn(*at, "\n");

    if (!length)
        return false;
    *out_attribute = (struct part){.text = *at, .length = length};
    *at += length + ((*at)[length] == '\n');
    return true;
}

static size_t name_length(struct part attribute)
{
    size_t length = 0;
    bool quoted = false;

    for (; length < attribute.length; length++) {
        if (attribute.text[length] == ' ' && !quoted)
            break;
        quoted ^= attribute.text[length] == '"';
    }
    return length;
}

static void append_attribute(struct buffer *script, const struct schema_object *type,
                             const char *verb, struct part text)
{
    if (!script)
        return;
    buffer_append_format(
        script, "%salter type %s %s attribute %.*s",
        script->length && script->data[script->length - 1] != '\n' ? ";\n" : "",
        type->identity, verb, (int)text.length, text.text);
}

/* Drops what is not where it should be, adds the rest at the end. The number dropped. */
static size_t move_attributes(struct buffer *script, const struct schema_object *from,
                              const struct schema_object *to)
{
    const char *old_attributes = from->definition;
    const char *new_attributes = to->definition;
    struct part old_attribute;
    struct part wanted;
    bool is_wanted = next_attribute(&new_attributes, &wanted);
    size_t dropped = 0;

    while (next_attribute(&old_attributes, &old_attribute)) {
        if (is_wanted && same_part(old_attribute, wanted)) {
            is_wanted = next_attribute(&new_attributes, &wanted);
            continue;
        }
        dropped++;
        old_attribute.length = name_length(old_attribute);
        append_attribute(script, from, "drop", old_attribute);
    }
    for (; is_wanted; is_wanted = next_attribute(&new_attributes, &wanted))
        append_attribute(script, to, "add", wanted);
    return dropped;
}

bool schema_alteration_drops_attributes(const struct schema_object *from,
                                        const struct schema_object *to)
{
    return move_attributes(NULL, from, to) > 0;
}

/* ---- */

static void retype_column(struct buffer *script, const struct schema_object *from,
                          const struct schema_object *to,
                          const struct schema_compare_config *config)
{
    bool castable =
        strcmp(from->type, to->type) != 0 &&
        (!config->can_cast || config->can_cast(config->context, from->type, to->type));

    buffer_append_format(script, "%s%s::%s", to->alter, castable ? "" : "::text",
                         to->type);
}

void schema_alteration_append(struct buffer *script, const struct schema_object *from,
                              const struct schema_object *to,
                              const struct schema_compare_config *config)
{
    switch (to->kind) {
    case SCHEMA_ENUM:
        add_values(script, from, to);
        break;
    case SCHEMA_COMPOSITE:
        move_attributes(script, from, to);
        break;
    case SCHEMA_COLUMN:
        retype_column(script, from, to, config);
        break;
    default:
        buffer_append_text(script, to->alter);
    }
}
