package standin

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

const (
	// goroot and certificates are where the image has them.
	goroot       = "usr/local/go"
	certificates = "etc/ssl/certs/ca-certificates.crt"
)

// bundles are the files in which systems keep their CA certificates, as
// crypto/x509 knows them (root_linux.go).
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// needed is what go build reads of its GOROOT. The rest, the toolchain's own
// tests above all, would only make the image larger.
var needed = []string{"VERSION", "go.env", "bin", "lib", "pkg", "src"}

// pack writes the image's file system as a tar stream.
func pack(w io.Writer, root string) error {
	archive := tar.NewWriter(w)
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}); err != nil {
		return err
	}
	if err := packCertificates(archive); err != nil {
		return err
	}
	for _, name := range needed {
		if err := packTree(archive, root, name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func packCertificates(archive *tar.Writer) error {
	for _, bundle := range append([]string{os.Getenv("SSL_CERT_FILE")}, bundles...) {
		text, err := os.ReadFile(bundle)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		header := tar.Header{Typeflag: tar.TypeReg, Name: certificates, Mode: 0o644, Size: int64(len(text))}
		if err := archive.WriteHeader(&header); err != nil {
			return err
		}
		_, err = archive.Write(text)
		return err
	}
	return fmt.Errorf("no CA certificates in SSL_CERT_FILE or %s", strings.Join(bundles, ", "))
}

// packTree packs what is at or below name in the directory root.
func packTree(archive *tar.Writer, root, name string) error {
	files := os.DirFS(root)
	return fs.WalkDir(files, name, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if entry.IsDir() || strings.HasSuffix(file, "_test.go") {
			return nil // the engine makes a file's directories
		}
		return packFile(archive, files, file)
	})
}

// packFile packs the file's content, also if it is a symbolic link: a
// distribution's GOROOT links to places that the image does not have.
func packFile(archive *tar.Writer, files fs.FS, file string) error {
	source, err := files.Open(file)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // only read
	info, err := source.Stat()
	if err != nil {
		return err
	}
	header := tar.Header{
		Typeflag: tar.TypeReg,
		Name:     path.Join(goroot, file),
		Mode:     int64(info.Mode().Perm()),
		Size:     info.Size(),
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}
