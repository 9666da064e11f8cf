#!/usr/bin/env bash
# The OpenXR runtime that the tests run against: Monado, built from Debian 13's own source package against this
# machine's libraries, once per user and version. Prints where it lies.
#
#   tools/build_monado.sh          build it unless it is there
#   tools/build_monado.sh --path   only print where it lies or would lie
#
# Debian 12 ships no Monado. Only a *source* list is added, in a private apt state of this script's own: the
# machine's own package lists stay as they are. Fails with one line when it cannot: with root (or sudo) that is a
# fault to mend, without them the line names what an administrator would have to install.
set -euo pipefail

version=25.0.0
recipe=1 # count up when the options below change: the cache is keyed by it
cache=${XDG_CACHE_HOME:-$HOME/.cache}/inperson
prefix=$cache/monado-$version-$recipe

case ${1:-} in
  '') ;;
  --path)
    echo "$prefix"
    exit 0
    ;;
  *)
    echo "usage: $0 [--path]" >&2
    exit 2
    ;;
esac

fail() {
  echo "Monado (the OpenXR test runtime) could not be built: $1" >&2
  exit 1
}

# Whether what a build left behind runs here, with a software renderer: a cache may come from another container or
# an older distribution.
runs() {
  [[ -e $prefix/.complete ]] && compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null &&
    [[ $(ldd "$prefix/bin/monado-service" 2>&1) != *'not found'* ]]
}

# Install packages if this user may; otherwise say which.
install() {
  local state package missing=() as_root command
  for package; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [[ $state == "install ok installed" ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) -eq 0 ]]; then
    as_root=(env)
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
  else
    fail "an administrator must run: apt-get install ${missing[*]}"
  fi
  command=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
  # 9>&-: a daemon that an installation starts must not keep the lock
  "${command[@]}" >/dev/null 2>&1 9>&- || { "${as_root[@]}" apt-get update -qq && "${command[@]}" >/dev/null; } 9>&- ||
    fail "this failed: apt-get install ${missing[*]}"
}

mkdir -p "$cache"
exec 9>"$cache/monado.lock"
flock 9 # two checkouts may test at once
if runs; then
  echo "$prefix"
  exit 0
fi
command -v dpkg-query >/dev/null || fail "this is not a Debian system"
needed_to_run=(
  mesa-vulkan-drivers libgl1-mesa-dri libegl1 libgl1 libvulkan1 libx11-6 libx11-xcb1 libxcb-randr0 libxrandr2 libxxf86vm1
  libwayland-client0 libudev1 libusb-1.0-0 libhidapi-libusb0 libcjson1 libbsd0 libsystemd0
)
if [[ -e $prefix/.complete ]]; then
  install "${needed_to_run[@]}"
  if runs; then
    echo "$prefix"
    exit 0
  fi
fi
rm -rf "$prefix" "$cache"/monado-build.* # broken, or left by a build that was killed

install "${needed_to_run[@]}" \
  dpkg-dev debian-archive-keyring cmake ninja-build g++ pkg-config glslang-tools python3 ca-certificates xz-utils \
  libvulkan-dev libeigen3-dev libegl1-mesa-dev libgl-dev libx11-dev libx11-xcb-dev libxcb-randr0-dev libxrandr-dev \
  libxxf86vm-dev libwayland-dev wayland-protocols libudev-dev libusb-1.0-0-dev libhidapi-dev libcjson-dev libbsd-dev \
  libsystemd-dev

work=$(mktemp -d "$cache/monado-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$work"/{lists/partial,cache/archives/partial,source}
log=$work/log

# The Debian archives this machine already uses, whichever form its source lists have, the likeliest first. Others
# (Docker's, say) also call their folder "debian", so each is asked for the source until one has it.
archives() {
  apt-get --print-uris update 2>>"$log" | sed -nE "s,^'(.+)/dists/[^/']+/InRelease'.*,\1,p" |
    awk '!seen[$0]++' | awk '{ print ($0 !~ "/debian$"), NR, $0 }' | sort -k1,1n -k2,2n | cut -d' ' -f3-
}

fetch() {
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 trixie main" >"$work/source.list"
  local apt=(
    apt-get -qq -o Dir::Etc::sourcelist="$work/source.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)"
  )
  "${apt[@]}" update >>"$log" 2>&1 || return 1
  # Only the original archive is wanted (apt checks its hash); a mirror may lack the two files that go with it.
  (cd "$work/source" && "${apt[@]}" source --download-only monado >>"$log" 2>&1) || true
  compgen -G "$work/source/monado_$version*.orig.tar.xz"
}

mapfile -t mirrors < <(archives)
[[ ${#mirrors[@]} -gt 0 ]] || fail "no package archive is named in /etc/apt"
archive=
for mirror in "${mirrors[@]}"; do
  archive=$(fetch "$mirror") && break
done
[[ -n $archive ]] || { cat "$log" >&2; fail "no source of monado $version in Debian 13 at ${mirrors[*]}"; }
tar -C "$work/source" --strip-components=1 -xf "$archive"

options=(
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DBUILD_TESTING=OFF -DXRT_FEATURE_SLAM=OFF
  -DXRT_FEATURE_WINDOW_PEEK=OFF -DXRT_HAVE_SDL2=OFF -DXRT_HAVE_OPENCV=OFF -DXRT_FEATURE_STEAMVR_PLUGIN=OFF
  -DXRT_FEATURE_TRACING=OFF -DXRT_FEATURE_DEBUG_GUI=OFF -DXRT_HAVE_GST=OFF -DXRT_HAVE_FFMPEG=OFF
  -DXRT_BUILD_DRIVER_HANDTRACKING=OFF -DXRT_BUILD_DRIVER_WMR=OFF -DXRT_BUILD_DRIVER_VIVE=OFF
)
echo "building Monado $version, once (a few minutes)" >&2
{ cmake -S "$work/source" -B "$work/build" -G Ninja "${options[@]}" && ninja -C "$work/build" install; } >>"$log" 2>&1 ||
  { tail -n 40 "$log" >&2; fail "its build broke, see above"; }
touch "$prefix/.complete"
runs || fail "what was built lacks libraries: $(ldd "$prefix/bin/monado-service" | grep 'not found' | xargs)"
echo "$prefix"
