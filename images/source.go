package images

import (
	"errors"
	"fmt"
	"go/build"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// sourceDigest returns a digest of all that decides what the image contains:
// the module files, the files of nodes/ that go build would read for arch (tests
// are not among them), the recipe, and the Go version. It starts no go command.
func sourceDigest(dir, version, arch string) (string, error) {
	files, err := nodeFiles(dir, arch)
	if err != nil {
		return "", fmt.Errorf("read the nodes' sources: %w", err)
	}
	// The one name that is no file: no path of a module ends in a slash.
	const settings = "settings/"
	open := func(name string) (io.ReadCloser, error) {
		if name == settings {
			return io.NopCloser(strings.NewReader(recipe() + "\n" + version + "\n" + arch)), nil
		}
		return os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	}
	digest, err := dirhash.Hash1(append(files, "go.mod", "go.sum", settings), open)
	if err != nil {
		return "", fmt.Errorf("read the nodes' sources: %w", err)
	}
	return digest, nil
}

// nodeFiles lists the files of all packages in nodes/, as slash-separated
// paths relative to dir.
func nodeFiles(dir, arch string) ([]string, error) {
	root := os.DirFS(dir)
	var files []string
	err := fs.WalkDir(root, "nodes", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if ignoredByGo(entry.Name()) {
			return fs.SkipDir
		}
		inPackage, err := packageFiles(root, dir, name, arch)
		files = append(files, inPackage...)
		return err
	})
	return files, err
}

// ignoredByGo tells whether the pattern "./..." leaves a directory of that
// name out ("go help packages").
func ignoredByGo(name string) bool {
	return name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// packageFiles lists the files that go build reads of the package in the
// directory name, none if there is no package.
func packageFiles(root fs.FS, dir, name, arch string) ([]string, error) {
	target := build.Default
	target.GOOS, target.GOARCH, target.CgoEnabled = "linux", arch, false
	pkg, err := target.ImportDir(filepath.Join(dir, filepath.FromSlash(name)), 0)
	if none := (*build.NoGoError)(nil); errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, group := range [][]string{pkg.GoFiles, pkg.SFiles, pkg.HFiles, pkg.SysoFiles} {
		for _, file := range group {
			files = append(files, path.Join(name, file))
		}
	}
	embedded, err := embeddedFiles(root, name, pkg.EmbedPatterns)
	return append(files, embedded...), err
}

// embeddedFiles lists the files that the go:embed patterns of the package in
// the directory name match. Those with a leading dot or underscore, which
// embed leaves out of directories, are listed too: a digest may cover more.
func embeddedFiles(root fs.FS, name string, patterns []string) ([]string, error) {
	files := make(map[string]bool) // dirhash wants each name once
	for _, pattern := range patterns {
		matches, err := fs.Glob(root, path.Join(name, strings.TrimPrefix(pattern, "all:")))
		if err != nil {
			return nil, fmt.Errorf("go:embed %s in %s: %w", pattern, name, err)
		}
		for _, match := range matches {
			err := fs.WalkDir(root, match, func(file string, entry fs.DirEntry, err error) error {
				if err == nil && entry.Type().IsRegular() {
					files[file] = true
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	names := make([]string, 0, len(files))
	for file := range files {
		names = append(names, file)
	}
	return names, nil
}
