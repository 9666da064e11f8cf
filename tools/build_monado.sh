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

if [[ ${1:-} == --path ]]; then
  echo "$prefix"
  exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/monado.lock"
flock 9 # two checkouts may test at once
if [[ -e $prefix/.complete ]]; then
  echo "$prefix"
  exit 0
fi

fail() {
  echo "Monado (the OpenXR test runtime) could not be built: $1" >&2
  exit 1
}

packages=(
  dpkg-dev cmake ninja-build g++ pkg-config glslang-tools python3 ca-certificates
  libvulkan-dev libeigen3-dev libegl1-mesa-dev libgl-dev mesa-vulkan-drivers
  libx11-dev libx11-xcb-dev libxcb-randr0-dev libxrandr-dev libxxf86vm-dev libwayland-dev wayland-protocols
  libudev-dev libusb-1.0-0-dev libhidapi-dev libcjson-dev libbsd-dev libsystemd-dev
)
command -v dpkg-query >/dev/null || fail "this is not a Debian system"
missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [[ $state == "install ok installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) -eq 0 ]]; then
    as_root=(env)
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
  else
    fail "apt-get install ${missing[*]}"
  fi
  install=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
  "${install[@]}" >/dev/null 2>&1 || { "${as_root[@]}" apt-get update -qq && "${install[@]}" >/dev/null; } ||
    fail "apt-get install ${missing[*]}"
fi

work=$(mktemp -d "$cache/monado-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,source}

# The mirror this machine already uses, from either form of apt's source lists.
mirror=$(grep -rhoE '(https?|file|copy)://?[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
  grep -v snapshot | head -1 | tr -d ' ' || true)
[[ -n $mirror ]] || fail "no Debian mirror is named in /etc/apt"
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/source.list"
apt=(
  apt-get -qq -o Dir::Etc::sourcelist="$work/source.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)"
)
log=$work/log
"${apt[@]}" update >"$log" 2>&1 || { cat "$log" >&2; fail "Debian 13's source list could not be read from $mirror"; }
# Only the original archive is wanted (apt checks its hash); a mirror may lack the two files that go with it.
(cd "$work/source" && "${apt[@]}" source --download-only monado >>"$log" 2>&1) || true
archive=$(ls "$work"/source/monado_"$version"*.orig.tar.xz 2>/dev/null) ||
  { cat "$log" >&2; fail "monado $version's source could not be fetched from $mirror"; }
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
echo "$prefix"
