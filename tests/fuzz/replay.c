/* Runs a fuzzer over its corpus, found by the program's own name, and counts as one test. */
#include "fuzz.h"

#include <dirent.h>

enum { INPUT_MAX = 1024 * 1024, PATH_MAX_BYTES = 512 };

static void run_file(const char *path)
{
    static uint8_t input[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    fprintf(stderr, "%s\n", path);
    size_t n = fread(input, 1, sizeof input, file);
    fclose(file);
    LLVMFuzzerTestOneInput(input, n);
}

/* ".../fuzz_json.replay" has its corpus in tests/fuzz/corpus/json. */
static void corpus_of(const char *program, char out[PATH_MAX_BYTES])
{
    static const char PREFIX[] = "fuzz_";
    const char *name = strrchr(program, '/');
    name = name ? name + 1 : program;
    CHECK(strncmp(name, PREFIX, sizeof PREFIX - 1) == 0);
    name += sizeof PREFIX - 1;
    snprintf(out, PATH_MAX_BYTES, "tests/fuzz/corpus/%.*s", (int)strcspn(name, "."), name);
}

int main(int argc, char **argv)
{
    char folder[PATH_MAX_BYTES], path[2 * PATH_MAX_BYTES];
    size_t files = 0;
    corpus_of(argc > 0 ? argv[0] : "", folder);
    DIR *dir = opendir(folder);
    CHECK(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        run_file(path);
        files++;
    }
    closedir(dir);
    CHECK(files > 0);
    fprintf(stderr, "[  PASSED  ] 1 test(s).\n");
    return EXIT_SUCCESS;
}
