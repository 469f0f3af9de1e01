package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"golang.org/x/mod/modfile"
)

// modulePath is the module that holds this package and nodes/.
const modulePath = "github.com/crosslan/crosslan"

// moduleDirectory finds the directory of the module that this package was
// compiled from: a checkout, or a folder of the module cache. The nodes must be
// compiled inside it; as packages of an importing module they would lack
// the go.sum entries that only they need.
func moduleDirectory(ctx context.Context) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Dir(filepath.Dir(file)); isModule(dir) {
			return dir, nil
		}
	}
	// Compiled with -trimpath, or on another machine.
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", errNoSources
	}
	return recordedModule(ctx, info)
}

var errNoSources = errors.New("the sources of " + modulePath + " that this program was built from are not on this machine: " +
	"build it without -trimpath in a checkout, or install a released version (go install " + modulePath + "/cmd/crosslan@latest)")

// isModule tells whether dir holds the module's go.mod.
func isModule(dir string) bool {
	if !filepath.IsAbs(dir) { // -trimpath leaves the import path
		return false
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && modfile.ModulePath(text) == modulePath
}

// recordedModule finds the module's directory by what the go command noted in
// the program: the version of the module, and what replaced it.
func recordedModule(ctx context.Context, info *debug.BuildInfo) (string, error) {
	module := &info.Main
	for _, dependency := range info.Deps {
		if dependency.Path == modulePath {
			module = dependency
		}
	}
	if module.Path != modulePath {
		return "", errNoSources
	}
	if module.Replace != nil {
		module = module.Replace
	}
	if isModule(module.Path) { // replaced by a directory
		return module.Path, nil
	}
	// A directory that is not here has no version; "(devel)" and versions made up
	// from a checkout's commit cannot be downloaded.
	if module.Version == "" || module.Version == "(devel)" {
		return "", errNoSources
	}
	return downloadModule(ctx, module.Path+"@"+module.Version)
}

// downloadModule returns the folder of a module version in the module cache,
// downloading it if it is not there.
func downloadModule(ctx context.Context, version string) (string, error) {
	// Outside of any module, or that module's replacements would hold.
	output, err := runGo(ctx, os.TempDir(), nil, "mod", "download", "-json", version)
	var result struct{ Dir, Error string }
	if parseErr := json.Unmarshal(output, &result); parseErr == nil && result.Error != "" {
		err = errors.New(result.Error)
	}
	if err != nil {
		return "", fmt.Errorf("get the sources of %s, which this program was built from: %w", version, err)
	}
	return result.Dir, nil
}
