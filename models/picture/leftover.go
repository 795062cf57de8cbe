package picture

import "strings"

// leftovers are the names, in lower case, of what operating systems, archivers and file servers create beside images.
var leftovers = map[string]bool{
	"__macosx": true, "@eadir": true, "@tmp": true, "#recycle": true, "$recycle.bin": true, "lost+found": true,
	"#snapshot": true, "@recycle": true, "@recently-snapshot": true, "found.000": true, "ehthumbs.db": true,
	"system volume information": true, "thumbs.db": true, "desktop.ini": true, "icon\r": true,
}

// Leftover reports whether a file or folder of that name, without its path, is no image and no class's folder but
// metadata: it is hidden, or one that operating systems, archivers and file servers create.
func Leftover(name string) bool {
	return strings.HasPrefix(name, ".") || leftovers[strings.ToLower(name)]
}
