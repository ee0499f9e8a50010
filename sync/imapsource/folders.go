package imapsource

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"kith"
)

// folder is what the server lists.
type folder struct {
	name  string // UTF-8, with the server's separator
	path  string // the same with "/" as separator, for globs
	attrs []imap.MailboxAttr
	role  kith.Role
	// foreign: it belongs to other users or to all (RFC 2342).
	foreign bool
	// view: it shows messages of other folders (RFC 6154 \Flagged, RFC 8457).
	view bool
}

// Streams names the folders that are to be read: the inbox, what was sent, then
// the others by name. Where the server can, it tells in the same answer what
// happened in each, so that Changes need not look into those at rest.
func (s *Source) Streams(ctx context.Context) ([]kith.Stream, error) {
	ctx, end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	s.budget = reconnectBudget
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	listed, spaces, err := s.listFolders(ctx)
	if err != nil {
		return nil, err
	}
	s.statuses = make(map[string]imap.StatusData)
	var folders []folder
	for _, data := range listed {
		if f, ok := newFolder(data, spaces); ok {
			folders = append(folders, f)
			// RFC 9051 §6.3.11: of the selected folder, a status may be old.
			if data.Status != nil && f.name != s.selected {
				s.statuses[f.name] = *data.Status
			}
		}
	}
	folders = choose(folders, s.opts.Include, s.opts.Exclude)
	streams := make([]kith.Stream, len(folders))
	for i, f := range folders {
		streams[i] = kith.Stream{Name: f.name, Role: f.role}
	}
	return streams, nil
}

// listFolders sends NAMESPACE and LIST at once.
func (s *Source) listFolders(ctx context.Context) ([]*imap.ListData, *imap.NamespaceData, error) {
	caps := s.sess.caps
	var options *imap.ListOptions
	if caps.Has(imap.CapListStatus) || caps.Has(imap.CapListExtended) && caps.Has(imap.CapSpecialUse) {
		options = &imap.ListOptions{ReturnSpecialUse: caps.Has(imap.CapSpecialUse)}
		if caps.Has(imap.CapListStatus) {
			options.ReturnStatus = &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true}
		}
	}
	var folders []*imap.ListData
	spaces := new(imap.NamespaceData)
	s.sess.names.list(true)
	defer s.sess.names.list(false)
	err := s.sess.run(ctx, "list the folders", func() error {
		var namespace *imapclient.NamespaceCommand
		if caps.Has(imap.CapNamespace) {
			namespace = s.sess.client.Namespace()
		}
		var err error
		folders, err = s.sess.client.List("", "*", options).Collect()
		if namespace != nil {
			data, nsErr := namespace.Wait()
			err = cmp.Or(err, nsErr)
			spaces = data
		}
		return err
	})
	return folders, spaces, err
}

// newFolder looks at one line of a LIST. It is no folder when it can't be opened.
func newFolder(data *imap.ListData, spaces *imap.NamespaceData) (folder, bool) {
	for _, attr := range data.Attrs {
		switch {
		case strings.EqualFold(string(attr), string(imap.MailboxAttrNoSelect)),
			strings.EqualFold(string(attr), string(imap.MailboxAttrNonExistent)):
			return folder{}, false
		}
	}
	f := folder{name: data.Mailbox, path: data.Mailbox, attrs: data.Attrs}
	if data.Delim != 0 {
		f.path = strings.ReplaceAll(f.name, string(data.Delim), "/")
	}
	personal, foreign := "", false
	length := -1
	for i, space := range [][]imap.NamespaceDescriptor{spaces.Personal, spaces.Other, spaces.Shared} {
		for _, d := range space {
			prefix, ok := decodeUTF7(d.Prefix)
			if !ok {
				prefix = d.Prefix
			}
			// The longest prefix tells; the first of equal ones, so that an
			// empty prefix for shared folders beside an empty one for our own means
			// ours. A folder that stands for a namespace belongs to it.
			bare := strings.TrimSuffix(prefix, string(d.Delim))
			if len(prefix) > length && (strings.HasPrefix(f.name, prefix) || f.name == bare && bare != "") {
				length, foreign = len(prefix), i > 0
				if personal = ""; i == 0 {
					personal = prefix
				}
			}
		}
	}
	f.foreign = foreign && f.name != "INBOX"
	f.role, f.view = roleOf(data, strings.TrimPrefix(f.name, personal))
	return f, true
}

// choose returns the folders that are to be read, in order. Left out by default
// are Trash, Junk and Drafts, other users' and public folders, and
// those that show the messages of others once more; a glob of include that does
// not begin with a wildcard brings them in.
func choose(folders []folder, include, exclude []string) []folder {
	var chosen, all []folder
	for _, f := range folders {
		if excluded(f.path, exclude) {
			continue
		}
		included := len(include) == 0 || matchAny(include, f.path)
		named := slices.ContainsFunc(include, func(glob string) bool {
			return !strings.HasPrefix(glob, "*") && !strings.HasPrefix(glob, "?") && match(glob, f.path)
		})
		hidden := f.foreign || f.view || f.role == kith.RoleTrash || f.role == kith.RoleJunk || f.role == kith.RoleDrafts
		switch {
		case !included || hidden && !named:
		case f.role == kith.RoleAll && !named:
			all = append(all, f)
		default:
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		chosen = all
	}
	slices.SortStableFunc(chosen, func(a, b folder) int {
		return cmp.Or(cmp.Compare(rank(a.role), rank(b.role)), cmp.Compare(a.path, b.path))
	})
	return chosen
}

// rank puts the folders first in which most of the new mail is.
func rank(role kith.Role) int {
	switch role {
	case kith.RoleInbox:
		return 0
	case kith.RoleSent:
		return 1
	}
	return 2
}

// excluded tells whether a glob means the folder or one that it lies in: what a
// user puts below a folder that is not to be read, or renames there, stays unread.
func excluded(path string, globs []string) bool {
	for i, c := range path {
		if c == '/' && matchAny(globs, path[:i]) {
			return true
		}
	}
	return matchAny(globs, path)
}

func matchAny(globs []string, path string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool { return match(glob, path) })
}

// match tells whether a glob means a folder, without regard to case: "*" stands
// for any characters, the separator included, "?" for one.
func match(glob, path string) bool {
	g, p := []rune(strings.ToLower(glob)), []rune(strings.ToLower(path))
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(p) {
		switch {
		case i < len(g) && g[i] == '*':
			star, mark = i, j
			i++
		case i < len(g) && (g[i] == '?' || g[i] == p[j]):
			i++
			j++
		case star >= 0: // let the last star take one character more
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(g) && g[i] == '*' {
		i++
	}
	return i == len(g)
}
