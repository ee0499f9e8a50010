package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// outFile is a file that is there as a whole or not at all: it is written
// under another name and renamed at the end. Only its owner may read it. What
// is there and no file, such as a pipe, is written as it is.
type outFile struct {
	*os.File
	name string // "": nothing is to be renamed
}

func newOutFile(name string) (*outFile, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name a file in it", name)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &outFile{File: f}, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target // the link stays
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	return &outFile{File: f, name: name}, err
}

// end closes the file and gives it its name, or takes it away if err tells that it is not whole.
func (f *outFile) end(err error) error {
	if f.name == "" {
		return errors.Join(err, f.Close())
	}
	if err == nil {
		err = f.Sync() // a name must not come to the disk before what it names
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
