# Every task with its state and where it sleeps, for the report of a hang.
for task in /proc/[0-9]*/task/[0-9]*; do
    echo "| $task $(cut -d' ' -f2-8 $task/stat) wchan $(cat $task/wchan) call $(cat $task/syscall)"
    sed 's/^/|     /' $task/stack
done 2>/dev/null
cat /proc/quoin/frames | sed 's/^/| /'
