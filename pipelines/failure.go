package pipelines

import (
	"errors"
	"regexp"
	"strings"
)

// causes are what the SDK puts around a DoFn's error on its way through the runner.
var causes = regexp.MustCompile(`(?s)^.*(?:Full error:|caused by:|DoFn\[[^\]]*\] failed:?|job \S+ failed:)\s*`)

// plainly reduces a job's failure to the error of the DoFn that caused it, since the SDK's text is a page
// of bundle ids and stack frames around that one line.
func plainly(err error) error {
	text := causes.ReplaceAllString(err.Error(), "")
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return errors.New("pipeline: " + line)
}
