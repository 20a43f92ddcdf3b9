# Jobs in the background: killed, stopped, waited for; each tells how it ended.
fail() { echo "not ok shells: $1"; exit 1; }
n=0
while [ $n -lt 5 ]; do
    pids=
    for i in 1 2 3 4 5 6; do
        if [ $i -gt 3 ]; then sh -c 'while :; do :; done' & else sleep 1000 & fi
        pids="$pids $!"
    done
    for pid in $pids; do kill -STOP $pid; done
    for pid in $pids; do kill -CONT $pid; done
    signal=$((n % 2 * 6 + 9))
    for pid in $pids; do kill -$signal $pid; done
    for pid in $pids; do
        wait $pid
        status=$?
        [ $status -eq $((128 + signal)) ] || fail "status $status after signal $signal"
    done
    (exit $n) & wait $!
    [ $? -eq $n ] || fail "exit $n"
    n=$((n + 1))
done
