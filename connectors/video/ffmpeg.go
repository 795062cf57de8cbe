package video

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ffmpegEnv names the environment variable that says which ffmpeg to run.
const ffmpegEnv = "CACHENET_FFMPEG"

// minMajor, minMinor is the oldest ffmpeg that knows all options used here.
const minMajor, minMinor = 5, 1

var version = regexp.MustCompile(`^ffmpeg version n?(\d+)\.(\d+)`)

// FindFFmpeg returns the path of ffmpeg: what [ffmpegEnv] says, else the one on the PATH, else the one that
// `make ffmpeg` put into the cache folder. It must be of version 5.1 or newer.
func FindFFmpeg(ctx context.Context) (string, error) {
	path, err := locate()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, "-version").Output()
	if err != nil {
		return "", fmt.Errorf("run %s -version: %w: is it an ffmpeg?", path, err)
	}
	if m := version.FindStringSubmatch(string(out)); m != nil { // builds from a branch have no such number
		major, _ := strconv.Atoi(m[1])
		minor, _ := strconv.Atoi(m[2])
		if major < minMajor || major == minMajor && minor < minMinor {
			return "", fmt.Errorf("%s is ffmpeg %d.%d: needs %d.%d or newer; run `make ffmpeg` and set %s to what it prints", path, major, minor, minMajor, minMinor, ffmpegEnv)
		}
	}
	return path, nil
}

func locate() (string, error) {
	if path := os.Getenv(ffmpegEnv); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("%s: %w", ffmpegEnv, err)
		}
		return path, nil
	}
	if path, err := exec.LookPath("ffmpeg"); err == nil {
		return path, nil
	}
	cache := os.Getenv("CACHENET_CACHE")
	if cache == "" {
		if user, err := os.UserCacheDir(); err == nil {
			cache = filepath.Join(user, "cachenet")
		}
	}
	path := filepath.Join(cache, "ffmpeg", "ffmpeg")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("ffmpeg was not found: install it, run `make ffmpeg`, or set %s to its path", ffmpegEnv)
	}
	return path, nil
}

// final is an error that does not go away by trying again.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// messages maps what ffmpeg prints to errors.
var messages = []struct {
	line  *regexp.Regexp
	error error
}{
	{regexp.MustCompile(`no decoder found|Decoder .*not found`), final{errors.New("this ffmpeg has no decoder for the codec of its video: install one that has, and set " + ffmpegEnv)}},
	{regexp.MustCompile(`matches no streams`), final{errors.New("it contains no video")}},
	{regexp.MustCompile(`\b(401|403)\b|Unauthorized|Forbidden`), final{errors.New("it refused the credentials: check user and password")}},
	{regexp.MustCompile(`Protocol not found|not on whitelist`), final{errors.New("this ffmpeg lacks the protocol of its address: install one that has it, and set " + ffmpegEnv)}},
	{regexp.MustCompile(`No such file or directory`), errors.New("no such file or directory")},
	{regexp.MustCompile(`Permission denied`), errors.New("permission denied")},
	{regexp.MustCompile(`Connection refused`), errors.New("connection refused")},
	{regexp.MustCompile(`Failed to resolve hostname`), errors.New("its host name cannot be resolved")},
	{regexp.MustCompile(`\b404\b`), errors.New("no such path on its host (404)")},
	{regexp.MustCompile(`timed out`), errors.New("connection timed out")},
	{regexp.MustCompile(`Invalid data found|moov atom not found`), errors.New("ffmpeg cannot read it as a video")},
}

// explain makes an error of what ffmpeg printed before it ended; nil where that holds no reason.
func explain(said string) error {
	for _, c := range messages {
		if c.line.MatchString(said) {
			return c.error
		}
	}
	lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if line != "" && !strings.HasPrefix(line, "Error opening") && !strings.HasPrefix(line, "Last message repeated") {
			return fmt.Errorf("ffmpeg: %s", line)
		}
	}
	return nil
}
