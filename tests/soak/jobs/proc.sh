# Readers of /proc while processes come and go. Only the reader's own processes are sure to be there.
fail() { echo "not ok proc: $1"; exit 1; }
for i in 1 2; do
    find /proc -maxdepth 4 -type f ! -path '/proc/quoin/*' ! -name kmsg ! -path '/proc/sys/*' \
        ! -name sysrq-trigger -exec cat {} + > /dev/null 2>&1
    ls -lR /proc/*/fd /proc/*/task > /dev/null 2>&1
    ps -o pid,ppid,stat,comm > list 2>/dev/null || fail "ps: $?"
    grep -q "^ *$$ " list || fail "ps does not see $$"
    grep -q "^Pid:.$$\$" /proc/$$/status || fail "status of $$"
done
