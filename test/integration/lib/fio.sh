# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# fio, from Debian's source package as it is, configured against an installed prefix; sourced after server.sh.
#
#   fio_get       installs Cairn to $prefix (libraries in $lib) and puts the program into $scratch/fio
#
# The source and the built program are kept in build/cache: the source until somebody removes it, the program while the
# installed headers and the public symbols stay the same. The first run needs Debian's mirror; where the source cannot
# be had, the test fails.

# ---- The source -----------------------------------------------------------------------------------------------------

# The machine's package sources with `deb-src` instead of `deb`, in a folder of our own.
derive_sources() {
	local apt=$1 file
	mkdir -p "$apt"/{parts,state/lists/partial,cache/archives/partial}
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		sed -n 's/^[[:space:]]*deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$file"
	done | sort -u >"$apt/sources.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		sed 's/^Types:.*/Types: deb-src/I' "$file" >"$apt/parts/${file##*/}"
	done
	# Read after the machine's own configuration, whose proxies and time-outs count, but not its hooks.
	cat >"$apt/apt.conf" <<-TEXT
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "$apt/parts";
		Dir::State "$apt/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "root";
	TEXT
}

# Puts the source package, which apt has checked, into the cache.
fetch_source() {
	local apt=$scratch/apt
	compgen -G "$source/fio_*.dsc" >/dev/null && return
	command -v apt-get >/dev/null || fail "there is no apt-get to fetch the source of fio with"
	derive_sources "$apt"
	mkdir "$apt/fetched"
	(
		cd "$apt/fetched"
		timeout 120 apt-get -qq -c "$apt/apt.conf" update &&
			timeout 120 apt-get -qq -c "$apt/apt.conf" source --download-only fio
	) >"$apt/log" 2>&1 || {
		cat "$apt/log"
		fail "the source of fio cannot be had"
	}
	rm -rf "$source"
	mv "$apt/fetched" "$source"
}

# ---- The program ----------------------------------------------------------------------------------------------------

# Builds in a place that is always the same, so that ccache knows again what it has compiled.
build_fio() {
	local place=$cache/fio-build compiler=gcc
	! command -v ccache >/dev/null || compiler="ccache gcc"
	rm -rf "$place"
	mkdir "$place"
	ln -s "$prefix" "$place/prefix"
	dpkg-source -x "$source"/fio_*.dsc "$place/fio" >"$place/unpack.log" 2>&1 || {
		cat "$place/unpack.log"
		fail "the source of fio cannot be unpacked"
	}
	cd "$place/fio"
	export CPATH=$place/prefix/include LIBRARY_PATH=$place/prefix/${lib#"$prefix/"}
	./configure --cc="$compiler" --disable-native >"$place/configure.log" 2>&1 || {
		cat "$place/configure.log"
		fail "fio does not configure"
	}
	grep -q '^DAOS File System (dfs) Engine  *yes' "$place/configure.log" || fail "fio does not find libdfs"
	make -j "$(nproc)" fio >"$place/make.log" 2>&1 || {
		tail -n 30 "$place/make.log"
		fail "fio does not build"
	}
	cd "$scratch"
	rm -rf "$cache"/fio-[0-9]*
	mkdir "$1.new"
	mv "$place/fio/fio" "$1.new/fio"
	mv "$1.new" "$1"
	rm -rf "$place"
}

fio_get() {
	local cache=$CAIRN_SOURCE/build/cache interface version built
	local source=$cache/fio-source
	prefix=$scratch/prefix
	cmake --install "$CAIRN_SOURCE/build/release" --prefix "$prefix" >"$scratch/install.log"
	lib=$(dirname "$(find "$prefix" -name libdaos.so)")
	interface=$({
		cd "$prefix/include"
		find . -name '*.h' | LC_ALL=C sort | xargs sha256sum
		nm -D --defined-only "$lib/libdaos.so" "$lib/libdfs.so" | sed -n 's/.* \(.*@DAOS_2\)$/\1/p'
	} | sha256sum | cut -c 1-16)
	mkdir -p "$cache"
	exec 9>"$cache/fio.lock"
	flock 9
	fetch_source
	version=$(cd "$source" && echo fio_*.dsc)
	version=${version#fio_}
	built=$cache/fio-${version%.dsc}-$interface
	# What else its configuration looks for.
	[ ! -f /usr/include/libaio.h ] || built=$built-aio
	[ -x "$built/fio" ] || build_fio "$built"
	cp "$built/fio" "$scratch/fio"
	exec 9>&-
}
