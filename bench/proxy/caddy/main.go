// Caddy with its standard modules and nothing else, pinned by this module's go.sum: a contestant of the benchmark.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() {
	caddycmd.Main()
}
