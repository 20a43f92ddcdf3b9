# fork and exec in loops, statuses and output of all of them; missing programs between them.
fail() { echo "not ok exec: $1"; exit 1; }
i=0
while [ $i -lt 25 ]; do
    /bin/busybox true || fail "true: $?"
    /bin/busybox false && fail "false"
    /no/such/program 2>/dev/null
    [ $? -eq 127 ] || fail "no such program"
    sh -c "exit $((i + 3))"
    [ $? -eq $((i + 3)) ] || fail "exit $((i + 3))"
    [ "$(echo $i | cat)" = $i ] || fail "echo $i"
    [ "$(env -i A=$i /bin/busybox env)" = "A=$i" ] || fail "env $i"
    i=$((i + 1))
done
