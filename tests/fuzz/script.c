/* Script lines against a second reading of execve(2), "Interpreter scripts", and Linux's own rules. */
#include "loader/script.h"

#include "kernel/errno.h"
#include "tests/fuzz/fuzz.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the words lie in the line, or false: what the parser must answer. */
struct expected {
    size_t interpreter, interpreter_end, argument, end;
};

static bool expect(const char *head, size_t len, struct expected *out)
{
    size_t line = 0, at = 2;

    while (line < len && head[line] != '\n') {
        line++;
    }
    bool cut = line == len && len >= SCRIPT_HEAD_LEN;
    size_t end = line;

    while (end > 0 && blank(head[end - 1])) {
        end--;
    }
    while (at < end && blank(head[at])) {
        at++;
    }
    out->interpreter = at;
    while (at < end && !blank(head[at]) && head[at] != '\0') {
        at++;
    }
    out->interpreter_end = at;
    bool has_blank = at < end && blank(head[at]);

    while (at < end && blank(head[at])) {
        at++;
    }
    out->argument = has_blank ? at : 0;
    out->end = end;
    return out->interpreter < end && out->interpreter_end > out->interpreter && (!cut || has_blank);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    do {
        char head[SCRIPT_HEAD_LEN + 1], before[SCRIPT_HEAD_LEN + 1];
        size_t len = MIN((size_t)SCRIPT_HEAD_LEN, input.left);
        struct expected expected;
        struct script_line line;
        bool whole = fuzz_byte(&input) % 2 == 0;

        len = whole ? len : MIN(len, (size_t)fuzz_byte(&input));
        memset(head, 'x', sizeof(head));
        memset(before, 'x', sizeof(before));
        fuzz_bytes(&input, head, len);
        head[0] = '#';
        head[1] = '!';
        len = MAX(len, (size_t)2);
        memcpy(before, head, len);
        bool good = expect(before, len, &expected);
        int error = script_parse(head, len, &line);

        fuzz_require(error == (good ? 0 : -ENOEXEC), "error %d, expected %d", error, good);
        if (error == 0) {
            size_t nr = strlen(line.interpreter);

            fuzz_require(line.interpreter == head + expected.interpreter &&
                             nr == expected.interpreter_end - expected.interpreter,
                         "interpreter");
            fuzz_require((line.argument == NULL) == (expected.argument == 0) &&
                             (line.argument == NULL || line.argument == head + expected.argument),
                         "argument");
            fuzz_require(line.argument == NULL || strlen(line.argument) <= expected.end -
                                                                               expected.argument,
                         "argument's end");
        }
        fuzz_done(error == 0);
    } while (input.left > 0);
    return 0;
}
