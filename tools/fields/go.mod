module genreconcile.dev/tools/fields

go 1.24
