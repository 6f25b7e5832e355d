#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "service/password.h"

static int set_up_all(void **state)
{
    struct err err = {0};
    (void)state;
    return password_init(&err) && password_init(&err) ? 0 : -1;
}

static void test_a_hash_fits_its_password_only(void **state)
{
    (void)state;
    struct err err = {0};
    char hash[PASSWORD_HASH_MAX], other[PASSWORD_HASH_MAX];
    bool ok = false;
    assert_true(password_hash(TEXT("Mật khẩu 123"), hash, &err));
    assert_true(password_hash(TEXT("Mật khẩu 123"), other, &err));
    assert_string_not_equal(hash, other);
    assert_non_null(strstr(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_true(password_verify(TEXT("Mật khẩu 123"), text_of(hash), &ok, &err));
    assert_true(ok);
    assert_true(password_verify(TEXT("Mật khẩu 124"), text_of(hash), &ok, &err));
    assert_false(ok);
    assert_true(password_verify(TEXT(""), text_of(hash), &ok, &err));
    assert_false(ok);
}

static void test_no_account_and_a_broken_hash_never_fit(void **state)
{
    (void)state;
    struct err err = {0};
    static char long_hash[300];
    memset(long_hash, 'x', sizeof long_hash - 1);
    const struct text hashes[] = {TEXT_NONE, TEXT(""), TEXT("$argon2id$broken"), text_of(long_hash)};
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        bool ok = true;
        assert_true(password_verify(TEXT("anything"), hashes[i], &ok, &err));
        assert_false(ok);
    }
}

enum { CROWD = 24 };
static atomic_int served, refused;

static void *sign_in(void *unused)
{
    struct err err = {0};
    bool ok;
    (void)unused;
    if (password_verify(TEXT("x"), TEXT_NONE, &ok, &err))
        served++;
    else if (err.code == ERR_UNAVAILABLE && err.retry_after_seconds == 1)
        refused++;
    return NULL;
}

static void test_a_crowd_is_served_one_by_one_and_the_rest_refused(void **state)
{
    (void)state;
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_in, NULL), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(served + refused, CROWD);
    assert_true(served >= 9);
}

/* One hash and the two that may wait take longer than all others need to be refused. */
static void test_half_of_few_threads_stay_free(void **state)
{
    (void)state;
    pthread_t threads[CROWD];
    served = refused = 0;
    password_leave_free(4);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_in, NULL), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    password_leave_free(100);
    assert_int_equal(served + refused, CROWD);
    assert_in_range(served, 3, CROWD - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_fits_its_password_only),
        cmocka_unit_test(test_no_account_and_a_broken_hash_never_fit),
        cmocka_unit_test(test_a_crowd_is_served_one_by_one_and_the_rest_refused),
        cmocka_unit_test(test_half_of_few_threads_stay_free),
    };
    return cmocka_run_group_tests(tests, set_up_all, NULL);
}
