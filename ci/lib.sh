# Shell functions shared by ci/setup, ci/fetch, run and test; sourced, never run.
# They check the host's tools and fetch Debian packages into a cache of our own.
# The host's package configuration is never changed: foreign packages come through
# a private apt state, and only ci/setup (as root) installs host packages.

QUOIN_CACHE=${QUOIN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/quoin}
QUOIN_MIRROR=${QUOIN_MIRROR:-http://deb.debian.org/debian}
QUOIN_MIRROR_SECURITY=${QUOIN_MIRROR_SECURITY:-http://deb.debian.org/debian-security}
QUOIN_SUITE=${QUOIN_SUITE:-bookworm}
export QUOIN_CACHE QUOIN_MIRROR QUOIN_MIRROR_SECURITY QUOIN_SUITE

q_say() {
    echo "quoin: $*" >&2
}

q_die() {
    q_say "$*"
    exit 1
}

# Prints the architecture's Debian name.
q_deb_arch() {
    case $1 in
    aarch64 | arm64) echo arm64 ;;
    x86_64 | amd64) echo amd64 ;;
    *) q_die "unknown architecture $1 (aarch64, x86_64)" ;;
    esac
}

q_host_arch() {
    case $(uname -m) in
    aarch64 | arm64) echo aarch64 ;;
    *) echo x86_64 ;;
    esac
}

# One line per need: whether ./run needs it or only ./test and the GRUB boots, the file or
# command that shows it is there, its package.
q_needs() {
    if [ "$(q_host_arch)" = aarch64 ]; then
        q_other=x86_64 q_pkg=x86-64 q_cross=amd64 q_native=aarch64
    else
        q_other=aarch64 q_pkg=aarch64 q_cross=arm64 q_native=x86_64
    fi
    cat <<EOF
run python3 python3
run cmake cmake
run ninja ninja-build
run $q_native-linux-gnu-gcc gcc
run /usr/include/linux/errno.h linux-libc-dev
run $q_other-linux-gnu-gcc gcc-$q_pkg-linux-gnu
run /usr/$q_other-linux-gnu/include/linux/errno.h linux-libc-dev-$q_cross-cross
run qemu-system-aarch64 qemu-system-arm
run qemu-system-x86_64 qemu-system-x86
run dpkg-deb dpkg
run flock util-linux
run /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
test /usr/include/stdlib.h libc6-dev
test clang clang
test grub-mkrescue grub-common
test xorriso xorriso
test mformat mtools
test /usr/share/OVMF/OVMF_CODE_4M.fd ovmf
test bochs bochs
test /usr/share/bochs/BIOS-bochs-latest bochsbios
test /usr/share/bochs/VGABIOS-lgpl-latest vgabios
EOF
    # Elsewhere these two come from the cache: Debian has them for amd64 only.
    [ "$q_native" != x86_64 ] || cat <<EOF
test /usr/lib/grub/i386-pc/multiboot2.mod grub-pc-bin
test /usr/lib/grub/x86_64-efi/multiboot2.mod grub-efi-amd64-bin
EOF
}

# q_missing [run]: prints the packages whose tools are missing.
q_missing() {
    q_needs | while read -r q_scope q_probe q_package; do
        [ "${1:-test}" = test ] || [ "$q_scope" = "$1" ] || continue
        case $q_probe in
        /*) [ -e "$q_probe" ] || echo "$q_package" ;;
        *) command -v "$q_probe" >/dev/null 2>&1 || echo "$q_package" ;;
        esac
    done
}

# q_setup [run]: installs what is missing where that is possible, else names it in one line.
q_setup() {
    q_list=$(q_missing "${1:-test}" | tr '\n' ' ')
    [ -n "$q_list" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        q_die "missing tools; get them with: sudo apt-get install -y $q_list"
    fi
    q_say "installing: $q_list"
    q_log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends $q_list; } >"$q_log" 2>&1 </dev/null; then
        tail -n 15 "$q_log" >&2
        rm -f "$q_log"
        q_die "apt-get failed; try: apt-get update && apt-get install -y $q_list"
    fi
    rm -f "$q_log"
    q_list=$(q_missing "${1:-test}" | tr '\n' ' ')
    [ -z "$q_list" ] || q_die "still missing after installation: $q_list"
}

# q_apt ARCH COMMAND...: apt-get or apt-cache on the private state of one architecture.
q_apt() {
    q_state=$QUOIN_CACHE/apt/$1
    q_tool=$2
    q_deb=$1
    shift 2
    "$q_tool" -qq -o Dir::State="$q_state/state" -o Dir::State::status="$q_state/status" \
        -o Dir::Cache="$q_state/cache" -o Dir::Etc::sourcelist="$q_state/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Architecture="$q_deb" -o APT::Architectures::="$q_deb" \
        -o APT::Architectures="$q_deb" -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

q_apt_update() {
    q_state=$QUOIN_CACHE/apt/$1
    mkdir -p "$q_state/state/lists/partial" "$q_state/cache/archives/partial"
    : >"$q_state/status"
    q_by="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    {
        echo "deb $q_by $QUOIN_MIRROR $QUOIN_SUITE main"
        echo "deb $q_by $QUOIN_MIRROR $QUOIN_SUITE-updates main"
        echo "deb $q_by $QUOIN_MIRROR_SECURITY $QUOIN_SUITE-security main"
    } >"$q_state/sources.list"
    q_say "reading the package lists of $1"
    q_apt "$1" apt-get update >&2 || q_die "cannot read $QUOIN_MIRROR (set QUOIN_MIRROR?)"
    touch "$q_state/updated"
}

# Prints the versioned kernel package that the meta package of ARCH depends on.
q_kernel_package() {
    q_apt "$1" apt-cache depends "linux-image-cloud-$1" |
        sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1
}

# q_fetch ARCH PACKAGE: unpacks a package into the cache and prints the folder.
# PACKAGE "linux" stands for the newest cloud kernel.
q_fetch() {
    q_a=$(q_deb_arch "$1") || exit 1
    q_p=$2
    q_dir=$QUOIN_CACHE/$q_a/$q_p
    if [ ! -e "$q_dir/.complete" ]; then
        mkdir -p "$QUOIN_CACHE/apt"
        exec 9>"$QUOIN_CACHE/apt/lock"
        flock 9
        if [ ! -e "$q_dir/.complete" ]; then
            q_download "$q_a" "$q_p" "$q_dir"
        fi
        exec 9>&-
    fi
    echo "$q_dir"
}

# q_fetch_all ARCH PACKAGE...: the packages and all that they depend on; prints the folders.
q_fetch_all() {
    q_a=$(q_deb_arch "$1") || exit 1
    shift
    q_lists "$q_a"
    q_names=$(q_apt "$q_a" apt-get -s install --no-install-recommends "$@" 2>"$q_state/error" |
        sed -n 's/^Inst \([^ ]*\).*/\1/p')
    if [ -z "$q_names" ]; then
        cat "$q_state/error" >&2
        q_die "cannot resolve for $q_a: $*"
    fi
    for q_package in $q_names; do
        q_fetch "$q_a" "$q_package"
    done
}

# Makes sure that the package lists are there and not older than half a day.
q_lists() {
    q_state=$QUOIN_CACHE/apt/$1
    [ -n "$(find "$q_state/updated" -mmin -720 2>/dev/null)" ] || q_apt_update "$1"
}

q_download() {
    q_lists "$1"
    q_name=$2
    [ "$q_name" != linux ] || q_name=$(q_kernel_package "$1")
    [ -n "$q_name" ] || q_die "no cloud kernel package for $1"
    q_say "fetching $q_name:$1"
    rm -rf "$3" "$3.new"
    mkdir -p "$3.new/deb"
    (cd "$3.new/deb" && q_apt "$1" apt-get download "$q_name" >&2) ||
        q_die "cannot download $q_name:$1"
    dpkg-deb -x "$3.new"/deb/*.deb "$3.new"
    rm -rf "$3.new/deb"
    touch "$3.new/.complete"
    mv "$3.new" "$3"
}
