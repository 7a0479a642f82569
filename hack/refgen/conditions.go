package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// Conditions returns the section on conditions: a table of types and one of
// reasons, from the constants of a Go file. Each constant's comment begins with
// its name and a colon.
func Conditions(src []byte) ([]byte, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "conditions.go", src, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("cannot parse the conditions: %w", err)
	}
	rows := map[string][]string{}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			typ, row, err := constant(spec)
			if err != nil {
				return nil, err
			}
			rows[typ] = append(rows[typ], row)
		}
	}
	out := &bytes.Buffer{}
	out.WriteString("## Conditions\n\n| type | it is True when |\n|---|---|\n")
	out.WriteString(strings.Join(rows["ConditionType"], ""))
	out.WriteString("\n| reason | what it says |\n|---|---|\n")
	out.WriteString(strings.Join(rows["ConditionReason"], ""))
	return out.Bytes(), nil
}

// constant returns a constant's type and its row in that type's table.
func constant(spec ast.Spec) (typ, row string, err error) {
	v, ok := spec.(*ast.ValueSpec)
	if !ok || len(v.Names) != 1 || len(v.Values) != 1 {
		return "", "", fmt.Errorf("cannot read a constant at %d: want one name and one value", spec.Pos())
	}
	name := v.Names[0].Name
	ident, ok := v.Type.(*ast.Ident)
	if !ok {
		return "", "", fmt.Errorf("cannot read %s: it has no type", name)
	}
	lit, ok := v.Values[0].(*ast.BasicLit)
	if !ok {
		return "", "", fmt.Errorf("cannot read %s: its value is no literal", name)
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		return "", "", fmt.Errorf("cannot read the value of %s: %w", name, err)
	}
	text, ok := strings.CutPrefix(flow(v.Doc.Text()), name+": ")
	if !ok {
		return "", "", fmt.Errorf("cannot read the comment of %s: it does not begin with %q", name, name+": ")
	}
	return ident.Name, fmt.Sprintf("| `%s` | %s |\n", value, cell(text)), nil
}
