package frames

import "fmt"

// Listed is one sequence of an image folder: its class and its files in order.
type Listed struct {
	Class string
	Files []string
}

// List names every sequence of an image folder, in the order of classes and of names; see [Images] for
// the form of the folder.
func List(dir string) ([]Listed, error) {
	source, err := Images(dir)
	if err != nil {
		return nil, err
	}
	s, ok := source.(*images)
	if !ok {
		return nil, fmt.Errorf("list image folder: %s is not a folder", dir)
	}
	var all []Listed
	for class, sequences := range s.sequences {
		for _, files := range sequences {
			all = append(all, Listed{s.classes[class], files})
		}
	}
	return all, nil
}
