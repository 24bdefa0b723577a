#!/bin/bash
# Installs what is missing of dpu_emu/lab/peers.txt by apt-get: `peers.sh install`; or says what is: `peers.sh list`.
# Asks no question, and does nothing at all when nothing is missing.
set -euo pipefail
list=$(dirname "$0")/../../dpu_emu/lab/peers.txt
PATH=$PATH:/usr/sbin:/sbin

missing_packages() {
	local name package probe
	while read -r name package probe _; do
		case $name in '' | '#'*) continue ;; esac
		case $probe in
		/*) compgen -G "$probe" >/dev/null || echo "$package" ;;
		*) command -v "$probe" >/dev/null || echo "$package" ;;
		esac
	done <"$list"
}

mapfile -t packages < <(missing_packages)
case ${1:-} in
list)
	printf '%s\n' "${packages[@]}"
	;;
install)
	[ ${#packages[@]} -gt 0 ] || { echo "peers: all present"; exit 0; }
	sudo=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || { echo "peers: needs root for: apt-get install ${packages[*]}" >&2; exit 1; }
		sudo=sudo
	fi
	echo "peers: installing ${packages[*]}"
	$sudo apt-get update -qq
	# In its own environment, because sudo drops ours: tshark would ask whether other users may capture.
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
	mapfile -t packages < <(missing_packages)
	[ ${#packages[@]} -eq 0 ] || { echo "peers: installed, but not found: ${packages[*]}" >&2; exit 1; }
	;;
*)
	echo "usage: $0 install | list" >&2
	exit 2
	;;
esac
