package models

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// LibraryEnv names the environment variable that points at ONNX Runtime's shared library.
const LibraryEnv = "CACHENET_ONNXRUNTIME"

// started holds the outcome of the one start of ONNX Runtime that a process can have.
var started = sync.OnceValue(startRuntime)

// Start loads ONNX Runtime, once in a process; later calls return what the first one did.
func Start() error { return started() }

func startRuntime() error {
	lib, err := libraryPath()
	if err != nil {
		return err
	}
	ort.SetSharedLibraryPath(lib)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		if strings.Contains(err.Error(), "API base") {
			return fmt.Errorf("onnxruntime: %s is %s: needs ONNX Runtime 1.24 or newer; run `make setup` or set %s",
				lib, libraryVersion(lib), LibraryEnv)
		}
		return fmt.Errorf("onnxruntime: load %s: %w; run `make setup` or set %s", lib, err, LibraryEnv)
	}
	if err := shareAllocator(); err != nil {
		return fmt.Errorf("onnxruntime: %w", err)
	}
	return nil
}

// shareAllocator registers one arena for all sessions: a tiny session costs a quarter of the memory with it.
func shareAllocator() error {
	info, err := ort.GetMemoryInfo()
	if err != nil {
		return err
	}
	arena, err := ort.NewArenaCfg(0, -1, -1, -1)
	if err != nil {
		return err
	}
	defer arena.Destroy()
	return ort.CreateAndRegisterAllocator(info, arena)
}

func libraryPath() (string, error) {
	if lib := os.Getenv(LibraryEnv); lib != "" {
		if _, err := os.Stat(lib); err != nil {
			return "", fmt.Errorf("%s: %w", LibraryEnv, err)
		}
		return lib, nil
	}
	cache := os.Getenv("CACHENET_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("onnxruntime: %w; set %s", err, LibraryEnv)
		}
		cache = filepath.Join(user, "cachenet")
	}
	lib := filepath.Join(cache, "onnxruntime", "libonnxruntime.so")
	if _, err := os.Stat(lib); err != nil {
		return "", fmt.Errorf("onnxruntime: %s was not found: run `make setup` or set %s to a libonnxruntime of version 1.24 or newer", lib, LibraryEnv)
	}
	return lib, nil
}

var versionInName = regexp.MustCompile(`\.so\.(\d+\.\d+(\.\d+)?)$`)
var versionInLibrary = regexp.MustCompile(`VERS_(\d+\.\d+\.\d+)\x00`)

// libraryVersion finds the version of an ONNX Runtime library that cannot be asked for it because its
// API is too old: by its name, else by its ELF symbol version.
func libraryVersion(lib string) string {
	if real, err := filepath.EvalSymlinks(lib); err == nil {
		if m := versionInName.FindStringSubmatch(real); m != nil {
			return "version " + m[1]
		}
	}
	if b, err := os.ReadFile(lib); err == nil {
		if m := versionInLibrary.FindSubmatch(b); m != nil {
			return "version " + string(m[1])
		}
	}
	return "an unknown version"
}
