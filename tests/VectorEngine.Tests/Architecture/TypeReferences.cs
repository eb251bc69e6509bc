using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace VectorEngine.Tests.Architecture;

/// <summary>A type's outermost declaring type: compiler-generated classes count as the type they were made for.</summary>
internal readonly record struct TypeName(string Namespace, string Name)
{
    public override string ToString() => $"{Namespace}.{Name}";
}

/// <summary>One type uses another, somewhere.</summary>
/// <param name="From">The type that uses.</param>
/// <param name="To">The type that is used, of the same assembly.</param>
/// <param name="Where">The member that does it, or a part of the declaration.</param>
internal readonly record struct TypeReference(TypeName From, TypeName To, string Where);

/// <summary>
/// Finds every reference between types of one assembly that its metadata and method bodies show. What the compiler copies leaves no
/// trace and is not found: constants, enum values, nameof; nor are types named in the arguments of attributes.
/// </summary>
internal sealed class TypeReferences
{
    private readonly MetadataReader _reader;
    private readonly Func<int, MethodBodyBlock> _body;
    private readonly SignatureVisitor _visitor;
    private readonly HashSet<TypeReference> _found = [];
    private TypeName _from;
    private string _where = "";

    private TypeReferences(MetadataReader reader, Func<int, MethodBodyBlock> body)
    {
        _reader = reader;
        _body = body;
        _visitor = new SignatureVisitor(type => Visit(type));
    }

    public static IReadOnlyCollection<TypeReference> In(string assemblyPath)
    {
        using var file = new System.Reflection.PortableExecutable.PEReader(File.OpenRead(assemblyPath));
        MetadataReader reader = file.GetMetadataReader();
        var references = new TypeReferences(reader, file.GetMethodBody);
        foreach (TypeDefinitionHandle type in reader.TypeDefinitions)
            references.VisitDefinition(type);
        return references._found;
    }

    private void VisitDefinition(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        _from = Outermost(handle);
        _where = "its declaration";
        Visit(type.BaseType);
        foreach (InterfaceImplementationHandle i in type.GetInterfaceImplementations())
        {
            InterfaceImplementation implementation = _reader.GetInterfaceImplementation(i);
            Visit(implementation.Interface);
            Visit(implementation.GetCustomAttributes());
        }
        Visit(type.GetCustomAttributes());
        Visit(type.GetGenericParameters());
        foreach (FieldDefinitionHandle f in type.GetFields())
            Visit(_reader.GetFieldDefinition(f));
        foreach (PropertyDefinitionHandle p in type.GetProperties())
            Visit(_reader.GetPropertyDefinition(p));
        foreach (EventDefinitionHandle e in type.GetEvents())
            Visit(_reader.GetEventDefinition(e));
        foreach (MethodDefinitionHandle m in type.GetMethods())
            Visit(_reader.GetMethodDefinition(m));
        _where = "an explicit implementation";
        foreach (MethodImplementationHandle m in type.GetMethodImplementations())
            Visit(_reader.GetMethodImplementation(m).MethodDeclaration);
    }

    private void Visit(FieldDefinition field)
    {
        _where = _reader.GetString(field.Name);
        field.DecodeSignature(_visitor, null);
        Visit(field.GetCustomAttributes());
    }

    private void Visit(PropertyDefinition property)
    {
        _where = _reader.GetString(property.Name);
        property.DecodeSignature(_visitor, null);
        Visit(property.GetCustomAttributes());
    }

    private void Visit(EventDefinition definition)
    {
        _where = _reader.GetString(definition.Name);
        Visit(definition.Type);
        Visit(definition.GetCustomAttributes());
    }

    private void Visit(MethodDefinition method)
    {
        _where = _reader.GetString(method.Name) + "()";
        method.DecodeSignature(_visitor, null);
        Visit(method.GetCustomAttributes());
        Visit(method.GetGenericParameters());
        foreach (ParameterHandle p in method.GetParameters())
            Visit(_reader.GetParameter(p).GetCustomAttributes());
        if (method.RelativeVirtualAddress != 0)
            Visit(_body(method.RelativeVirtualAddress));
    }

    private void Visit(MethodBodyBlock body)
    {
        Visit(body.LocalSignature);
        foreach (ExceptionRegion region in body.ExceptionRegions)
            Visit(region.CatchType);
        foreach (EntityHandle operand in IlOperands.In(body.GetILReader()))
            Visit(operand);
    }

    private void Visit(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameterHandle p in parameters)
        {
            GenericParameter parameter = _reader.GetGenericParameter(p);
            Visit(parameter.GetCustomAttributes());
            foreach (GenericParameterConstraintHandle c in parameter.GetConstraints())
                Visit(_reader.GetGenericParameterConstraint(c).Type);
        }
    }

    private void Visit(CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttributeHandle a in attributes)
            Visit(_reader.GetCustomAttribute(a).Constructor);
    }

    /// <summary>Records the types behind a handle: the type itself, a member's declaring type, the arguments of a generic.</summary>
    private void Visit(EntityHandle handle)
    {
        if (handle.IsNil)
            return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                _found.Add(new TypeReference(_from, Outermost((TypeDefinitionHandle)handle), _where));
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_visitor, null);
                break;
            case HandleKind.FieldDefinition:
                Visit(_reader.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodDefinition:
                Visit(_reader.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                Visit(_reader.GetMemberReference((MemberReferenceHandle)handle));
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification method = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                Visit(method.Method);
                method.DecodeSignature(_visitor, null);
                break;
            case HandleKind.StandaloneSignature:
                Visit(_reader.GetStandaloneSignature((StandaloneSignatureHandle)handle));
                break;
            case HandleKind.TypeReference:
                break;   // of another assembly
            default:
                throw new NotSupportedException($"A {handle.Kind} in {_from}, {_where}.");
        }
    }

    private void Visit(MemberReference member)
    {
        Visit(member.Parent);
        if (member.GetKind() == MemberReferenceKind.Method)
            member.DecodeMethodSignature(_visitor, null);
        else
            member.DecodeFieldSignature(_visitor, null);
    }

    private void Visit(StandaloneSignature signature)
    {
        if (signature.GetKind() == StandaloneSignatureKind.Method)
            signature.DecodeMethodSignature(_visitor, null);
        else
            signature.DecodeLocalSignature(_visitor, null);
    }

    private TypeName Outermost(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil)
            type = _reader.GetTypeDefinition(type.GetDeclaringType());
        return new TypeName(_reader.GetString(type.Namespace), _reader.GetString(type.Name));
    }

    /// <summary>Reports the assembly's own types in a signature, however deep; all else in it is of no interest.</summary>
    private sealed class SignatureVisitor(Action<TypeDefinitionHandle> visit) : ISignatureTypeProvider<ValueTuple, object?>
    {
        public ValueTuple GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            visit(handle);
            return default;
        }

        public ValueTuple GetTypeFromSpecification(
            MetadataReader reader, object? context, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, context);

        public ValueTuple GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => default;
        public ValueTuple GetPrimitiveType(PrimitiveTypeCode typeCode) => default;
        public ValueTuple GetArrayType(ValueTuple elementType, ArrayShape shape) => default;
        public ValueTuple GetByReferenceType(ValueTuple elementType) => default;
        public ValueTuple GetFunctionPointerType(MethodSignature<ValueTuple> signature) => default;
        public ValueTuple GetGenericInstantiation(ValueTuple genericType, ImmutableArray<ValueTuple> typeArguments) => default;
        public ValueTuple GetGenericMethodParameter(object? genericContext, int index) => default;
        public ValueTuple GetGenericTypeParameter(object? genericContext, int index) => default;
        public ValueTuple GetModifiedType(ValueTuple modifier, ValueTuple unmodifiedType, bool isRequired) => default;
        public ValueTuple GetPinnedType(ValueTuple elementType) => default;
        public ValueTuple GetPointerType(ValueTuple elementType) => default;
        public ValueTuple GetSZArrayType(ValueTuple elementType) => default;
    }
}
