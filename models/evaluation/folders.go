package evaluation

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cachenet/cachenet/models/picture"
)

// folderNames returns the folder of each class in an image folder: the names that training gives them (folder_names in
// models/train), since a class such as a/airfield cannot be a folder's name.
func folderNames(classes []string) []string {
	names, taken := make([]string, len(classes)), map[string]bool{}
	for i, class := range classes {
		kept := folderName(class)
		name := kept
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s %d", kept, n)
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

const longestFolder = 200 // bytes of UTF-8

func folderName(class string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:`, r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, class), "_. ")
	if len(name) > longestFolder {
		cut := longestFolder
		for !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut]
	}
	switch {
	case name == "":
		return "class"
	case picture.Leftover(name):
		return "class " + name
	}
	return name
}

// labelOf maps class names, and the folders of those whose name is nobody else's, to labels.
func labelOf(classes []string) map[string]int {
	known := map[string]int{}
	for label, folder := range folderNames(classes) {
		known[folder] = label
	}
	for label, class := range classes {
		known[class] = label
	}
	return known
}
