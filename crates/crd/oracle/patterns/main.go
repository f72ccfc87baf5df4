// Prints the patterns of ../tests/data/patterns.json with what Go's regexp says of them.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"regexp"
	"strings"
)

var parts = []string{"a", "b", "x", "1", "0", ".", "*", "+", "?", "{2}", "{3,}", "{2,5}", "{0}", "{1001}", "{,3}", "{2,1}", "{01}", "{", "}", "(", ")", "(?:", "(?i)", "(?P<n>", "(?<m>", "(?P<n", "(?<", "(?P", "(?i", "(?-s:", "(?U-i:", "(?=", "(?!", "(?'n'", "(?#", "|", "[", "]", "[^", "^", "$", "-", "a-z", "z-a", "[:alpha:]", "[:^digit:]", "[:foo:]", "[:", "\\d", "\\W", "\\pL", "\\p{Greek}", "\\P{^Lu}", "\\p{lowercase_letter}", "\\p{Foo}", "\\p{", "\\pQ", "\\A", "\\z", "\\Z", "\\b", "\\B", "\\C", "\\Q", "\\E", "\\n", "\\x41", "\\x{1F600}", "\\x{110000}", "\\x{", "\\xg", "\\x4", "\\07", "\\8", "\\1", "\\12", "\\\\", "\\.", "\\_", "\\-", "\\é", "é", "\\", " ", "\n", "{1000}", "{100}", "(?:(?:a{10}){10}){10}", "(?i:", "(?s-)", "(?)", "(?:)", "()", "**", "+?", "??"}

func main() {
	var lines []string
	seen := map[string]bool{}
	add := func(pattern string) {
		if seen[pattern] {
			return
		}
		seen[pattern] = true
		words := ""
		if _, err := regexp.Compile(pattern); err != nil {
			words = err.Error()
		}
		line, err := json.Marshal([2]string{pattern, words})
		if err != nil {
			panic(err)
		}
		lines = append(lines, string(line))
	}
	for _, part := range parts {
		add(part)
	}
	random := rand.New(rand.NewSource(7))
	for len(lines) < 3500 {
		var pattern strings.Builder
		for range 1 + random.Intn(7) {
			pattern.WriteString(parts[random.Intn(len(parts))])
		}
		add(pattern.String())
	}
	for _, depth := range []int{999, 1000, 1001} {
		add(strings.Repeat("(", depth) + strings.Repeat(")", depth))
	}
	add(strings.Repeat("(?:", 1200) + "a" + strings.Repeat(")*", 1200))
	add(strings.Repeat("(a|", 998) + "b" + strings.Repeat(")", 998))
	add("((((((a{1000}){2}")
	add(strings.Repeat("a{1000}", 3400))
	add(strings.Repeat("(?:ab{1000})", 1700))
	add("(x{999})?{2}")
	add("((a{2}b){500}){2}")
	fmt.Printf("[\n%s\n]\n", strings.Join(lines, ",\n"))
}
